#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_hostile::fuzz::run("onnx_gate", bytes));
