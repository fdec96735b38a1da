//! Which build of the engine runs here, and why.

use vitrine_protocol::{EngineBuild, Flavour};

use crate::language::{fill, say};

/// The engine to start, with what a person should know about the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The build to start; `None` where this browser can run none of them.
    pub(crate) engine: Option<EngineBuild>,
    /// Why it is not what the address asks for, or not the fastest.
    pub(crate) note: Option<String>,
}

/// Chooses among `engines`: the one the address asks for (`?engine=simd`), else the fastest, as
/// far as the browser `supports` it.
///
/// `wish` is the value in the address, if it has one.
pub(crate) fn choose(
    wish: Option<&str>,
    engines: &[EngineBuild],
    supports: impl Fn(Flavour) -> bool,
) -> Choice {
    let find = |flavour: Flavour| {
        engines
            .iter()
            .find(|engine| engine.flavour == flavour && supports(flavour))
            .cloned()
    };
    let fastest = || Flavour::FASTEST_FIRST.into_iter().find_map(find);
    let running = |engine: &Option<EngineBuild>| match engine {
        Some(engine) => fill(
            "{engine} runs instead.",
            &[("engine", engine.flavour.title())],
        ),
        None => say("No other engine runs here either."),
    };
    let Some(wish) = wish else {
        let engine = fastest();
        // Whether there are threads is up to the page's host, and each visit after the first has them:
        // the Performance page says why not.
        let note = match &engine {
            Some(engine) if engine.flavour == Flavour::Simd => Some(fill(
                "This browser has no {fastest}; {engine} runs, which is slower.",
                &[
                    ("fastest", Flavour::Relaxed.title()),
                    ("engine", engine.flavour.title()),
                ],
            )),
            _ => None,
        };
        return Choice { engine, note };
    };
    let Some(flavour) = Flavour::from_key(wish) else {
        let engine = fastest();
        let keys = Flavour::FASTEST_FIRST.map(Flavour::key).join(", ");
        let note = fill(
            "The address asks for the engine “{wish}”, but there is only: {keys}. {running}",
            &[
                ("wish", wish),
                ("keys", &keys),
                ("running", &running(&engine)),
            ],
        );
        return Choice {
            engine,
            note: Some(note),
        };
    };
    if let Some(engine) = find(flavour) {
        return Choice {
            engine: Some(engine),
            note: Some(fill(
                "The address asks for {engine}, so that is what runs.",
                &[("engine", flavour.title())],
            )),
        };
    }
    let engine = fastest();
    let note = fill(
        "The address asks for {engine}, which this browser cannot run. {running}",
        &[("engine", flavour.title()), ("running", &running(&engine))],
    );
    Choice {
        engine,
        note: Some(note),
    }
}

/// The value of `engine` in the query part of an address, such as `?engine=simd`.
pub(crate) fn wish(query: &str) -> Option<&str> {
    value(query, "engine")
}

/// How many workers an address asks for, such as `?workers=2`.
pub(crate) fn workers_wish(query: &str) -> Option<usize> {
    value(query, "workers")?.parse().ok()
}

fn value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let pairs = query.trim_start_matches('?').split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

/// A module that only browsers with the flavour's instructions accept: one function that returns
/// a vector made with one of them.
pub(crate) fn probe(flavour: Flavour) -> &'static [u8] {
    // Header, type () -> v128, one function; then code: i32.const, i8x16.splat, and the instruction.
    match flavour {
        Flavour::Simd => {
            b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7b\x03\x02\x01\0\x0a\x0a\x01\x08\0\
              \x41\0\xfd\x0f\xfd\x62\x0b"
        }
        Flavour::Relaxed | Flavour::Threads => {
            b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7b\x03\x02\x01\0\x0a\x0f\x01\x0d\0\
              \x41\x01\xfd\x0f\x41\x02\xfd\x0f\xfd\x80\x02\x0b"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engines() -> Vec<EngineBuild> {
        Flavour::FASTEST_FIRST
            .map(|flavour| EngineBuild {
                flavour,
                worker: format!("engine/{}/worker.js", flavour.key()),
                worker_sum: String::new(),
                wasm: format!("engine/{}/engine_bg.wasm", flavour.key()),
                wasm_sum: String::new(),
                wasm_bytes: 1,
            })
            .to_vec()
    }

    #[track_caller]
    fn check_choice(
        wish: Option<&str>,
        supported: &[Flavour],
        expected: Option<Flavour>,
        note: Option<&str>,
    ) {
        let choice = choose(wish, &engines(), |flavour| supported.contains(&flavour));
        assert_eq!(choice.engine.map(|engine| engine.flavour), expected);
        match (choice.note, note) {
            (None, None) => {}
            (Some(met), Some(part)) => assert!(met.contains(part), "{met}"),
            (met, expected) => panic!("{met:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn the_fastest_that_runs_is_taken() {
        check_choice(None, &Flavour::FASTEST_FIRST, Some(Flavour::Threads), None);
        let both = &[Flavour::Relaxed, Flavour::Simd];
        check_choice(None, both, Some(Flavour::Relaxed), None);
        check_choice(
            None,
            &[Flavour::Simd],
            Some(Flavour::Simd),
            Some("no relaxed SIMD"),
        );
        check_choice(None, &[], None, None);
    }

    #[test]
    fn the_address_decides_where_it_can() {
        let both = &[Flavour::Relaxed, Flavour::Simd];
        check_choice(
            Some("simd"),
            both,
            Some(Flavour::Simd),
            Some("asks for SIMD"),
        );
        check_choice(
            Some("relaxed"),
            &[Flavour::Simd],
            Some(Flavour::Simd),
            Some("cannot run. SIMD runs instead"),
        );
        check_choice(
            Some("threads"),
            both,
            Some(Flavour::Relaxed),
            Some("cannot run. relaxed SIMD runs instead"),
        );
        check_choice(Some("gpu"), both, Some(Flavour::Relaxed), Some("“gpu”"));
        check_choice(Some("relaxed"), &[], None, Some("either"));
    }

    #[test]
    fn the_wish_is_read_from_the_address() {
        assert_eq!(wish("?engine=simd"), Some("simd"));
        assert_eq!(wish("?a=b&engine=relaxed&c"), Some("relaxed"));
        assert_eq!(wish("?engineer=simd"), None);
        assert_eq!(wish(""), None);
    }

    #[test]
    fn probes_are_modules_whose_sections_add_up() {
        for flavour in Flavour::FASTEST_FIRST {
            let module = probe(flavour);
            assert_eq!(module[..8], *b"\0asm\x01\0\0\0");
            let mut at = 8;
            while at < module.len() {
                at += 2 + usize::from(module[at + 1]);
            }
            assert_eq!(at, module.len());
        }
    }
}
