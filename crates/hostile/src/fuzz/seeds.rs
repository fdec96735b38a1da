//! What fuzzers begin with: the corpus, as far as its files are small.

use crate::random::Random;
use crate::{Kind, corpus};

/// Longest file that is a seed, and longest input that `cargo xtask fuzz` tries where files are whole: fuzzers
/// change a few bytes a time, of which long files have too many.
const MAX_BYTES: u64 = 16_384;

/// The registry, of whose entries each is a seed.
const REGISTRY: &str = include_str!("../../../../assets/models.toml");

/// An input to begin with.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Name of the target it is for.
    pub target: &'static str,
    /// Name of the file, unlike every other of the target.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The seeds of all targets, that of the engine included; the same at every call.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let small = |case: &crate::Case| case.content.n_bytes() <= MAX_BYTES;
    for case in corpus().into_iter().filter(small) {
        let targets: &[&str] = match case.kind {
            Kind::Model => &["onnx_gate", "engine_load"],
            Kind::Picture => &["picture"],
            Kind::Text | Kind::Table => &["table", "tokeniser"],
        };
        seeds.extend(targets.iter().map(|target| Seed {
            target,
            name: case.name.clone(),
            bytes: case.content.bytes(),
        }));
    }
    for (at, entry) in REGISTRY.split("\n[[model]]").enumerate() {
        seeds.push(Seed {
            target: "registry",
            name: format!("entry-{at}.toml"),
            bytes: format!("[[model]]{entry}").into_bytes(),
        });
    }
    seeds.extend((0..8).map(map));
    seeds
}

/// A map with bars where lines would be, as the target for reading takes it apart.
fn map(seed: u8) -> Seed {
    const SIDE: usize = 24;
    let mut random = Random::seeded(seed.into());
    let mut bytes = vec![23, 23, 30, 40, 76, 100, 130, 50, seed];
    let slope = random.below(3);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let is_text = (y + slope * x / 16) % 12 < 5 && x % 24 < 18;
            bytes.push(if is_text { 230 } else { random.below(40) as u8 });
        }
    }
    for _ in 0..9 * 12 {
        let share = random.below(1000) as f32 / 1000.0;
        bytes.extend(share.to_le_bytes());
    }
    Seed {
        target: "reading",
        name: format!("map-{seed}"),
        bytes,
    }
}
