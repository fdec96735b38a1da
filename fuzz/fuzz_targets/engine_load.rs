#![no_main]

// What tract panics of ends a worker and is no fault of ours; `trial` tells the two apart.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    vitrine_engine::trial::trial(bytes);
});
