//! Entries in tract-linalg's registries, for wasm.

use tract_core::internal::DatumType;
use tract_core::internal::inventory;
use tract_linalg::isa::{Arch, IsaSet};
use tract_linalg::mmm::{DynKernel, MatMatMul, Query, Suitable};
use tract_linalg::mmm_routines::MmmRoutine;
use tract_linalg::mmm_tiers::MmmTier;
use tract_linalg::pack::PackedFormat;

use crate::gemm_f32_4x8;

const GEMM_F32_4X8: &str = "vitrine_f32_4x8";
/// Bytes; a vector load.
const ALIGNMENT: usize = 16;

fn make_gemm_f32_4x8() -> Box<dyn MatMatMul> {
    const ROWS: usize = gemm_f32_4x8::ROWS;
    const COLUMNS: usize = gemm_f32_4x8::COLUMNS;
    let mut kernel = DynKernel::<ROWS, COLUMNS, f32>::new(
        GEMM_F32_4X8,
        gemm_f32_4x8::run,
        PackedFormat::new(DatumType::F32, ROWS, ALIGNMENT),
        PackedFormat::new(DatumType::F32, COLUMNS, ALIGNMENT),
    );
    kernel.arch = Some(Arch::Wasm32Simd128);
    // At borders tract stores into a scratch tile: row by row, our store is two vectors a row.
    kernel.row_major_store = true;
    kernel.mmm()
}

/// Matrix times vector stays with tract's kernels: one column would waste seven of our eight.
fn preferred(
    _: &IsaSet,
    accumulator: DatumType,
    query: &Query,
    _: &[Suitable],
) -> Option<&'static str> {
    (accumulator == DatumType::F32 && query.n != Some(1)).then_some(GEMM_F32_4X8)
}

inventory::submit! {
    MmmRoutine { make: make_gemm_f32_4x8 }
}

inventory::submit! {
    MmmTier {
        arch: Some(Arch::Wasm32Simd128),
        // Above tract's own tier for wasm, which has precedence 1.
        precedence: 9,
        name: "vitrine",
        applies: |_| true,
        preferred,
    }
}

/// Whether tract sees the kernel and the tier. Being called is what keeps this object linked.
pub(crate) fn present() -> bool {
    let routine = tract_linalg::mmm_routines::declared()
        .any(|routine| (routine.make)().name() == GEMM_F32_4X8);
    let tier = tract_linalg::mmm_tiers::declared().any(|tier| tier.name == "vitrine");
    routine && tier
}
