//! The catalogue that the build makes of the registry.

use serde::{Deserialize, Serialize};

use crate::ModelEntry;

/// What the page is built with: models, labels and engines of this very build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The registry's models.
    pub models: Vec<ModelEntry>,
    /// Engine builds that this site serves.
    pub engines: Vec<EngineBuild>,
}

/// One flavour of the engine as served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineBuild {
    /// Which flavour it is.
    pub flavour: Flavour,
    /// Script of the engine's workers, relative to the page's base address.
    pub worker: String,
    /// Sum of the script, as an `integrity` attribute has it: `sha256-` and base64.
    pub worker_sum: String,
    /// The WebAssembly module, relative to the page's base address.
    pub wasm: String,
    /// Sum of the module, written in the same way.
    pub wasm_sum: String,
    /// Size of the WebAssembly module in bytes, uncompressed.
    pub wasm_bytes: u64,
}

/// The engine's builds, one source with different instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// 128-bit SIMD; every current browser.
    Simd,
    /// Also relaxed SIMD: fused multiply-add. Chrome, Edge, Firefox 146 and later.
    Relaxed,
    /// Relaxed SIMD on several threads that share memory, where the page is cross-origin isolated.
    Threads,
}

impl Flavour {
    /// Every flavour, fastest first.
    pub const FASTEST_FIRST: [Flavour; 3] = [Flavour::Threads, Flavour::Relaxed, Flavour::Simd];

    /// The key used in addresses, folders and files.
    pub fn key(self) -> &'static str {
        match self {
            Flavour::Simd => "simd",
            Flavour::Relaxed => "relaxed",
            Flavour::Threads => "threads",
        }
    }

    /// Reads a key back; anything else is `None`.
    pub fn from_key(key: &str) -> Option<Flavour> {
        Flavour::FASTEST_FIRST
            .into_iter()
            .find(|flavour| flavour.key() == key)
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Flavour::Simd => "SIMD",
            Flavour::Relaxed => "relaxed SIMD",
            Flavour::Threads => "relaxed SIMD with threads",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flavour_is_found_by_its_key() {
        for flavour in Flavour::FASTEST_FIRST {
            assert_eq!(Flavour::from_key(flavour.key()), Some(flavour));
        }
        assert_eq!(Flavour::from_key("gpu"), None);
    }
}
