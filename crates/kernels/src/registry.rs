//! Entries in tract-linalg's registries, for wasm.

use tract_core::internal::DatumType;
use tract_core::internal::inventory;
use tract_linalg::isa::{Arch, IsaReq, IsaSet};
use tract_linalg::mmm::{DynKernel, MatMatMul, Query, Suitable};
use tract_linalg::mmm_routines::MmmRoutine;
use tract_linalg::mmm_tiers::MmmTier;
use tract_linalg::pack::PackedFormat;
use tract_linalg::routines::{DepthwiseWF32, Func, Routine, RoutineFactory};

use crate::{depthwise_w, gemm_f32_4x8};

const GEMM_F32_4X8: &str = "vitrine_f32_4x8";
const DEPTHWISE_W: &str = "vitrine_depthwise_w_f32";
/// Above tract's own kernels and routines, which have 0.
const BOOST: isize = 1000;
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
    // Where the number of columns is not known when a plan is made, as with texts, no tier is asked,
    // and the kernels with the highest boost remain.
    kernel.with_boost(|| BOOST).mmm()
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

inventory::submit! {
    Routine {
        func: Func::DepthwiseW,
        arch: Some(Arch::Wasm32Simd128),
        isa: IsaReq::ANY,
        boost: BOOST,
        round_trip: false,
        factory: RoutineFactory::DepthwiseWF32 {
            name: DEPTHWISE_W,
            run: depthwise_w::run,
        },
    }
}

/// Whether tract sees the kernels and the tier, and takes our depthwise routine. Being called is what keeps this object linked.
pub(crate) fn present() -> bool {
    let routine = tract_linalg::mmm_routines::declared()
        .any(|routine| (routine.make)().name() == GEMM_F32_4X8);
    let tier = tract_linalg::mmm_tiers::declared().any(|tier| tier.name == "vitrine");
    let depthwise = tract_linalg::routines::depthwise_w_f32()
        .is_some_and(|run| std::ptr::fn_addr_eq(run, depthwise_w::run as DepthwiseWF32));
    routine && tier && depthwise
}
