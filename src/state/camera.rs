//! The camera: never more than one of its frames is on its way.

use vitrine_protocol::{Classification, Failure, RequestId};

/// What is done with the camera's newest frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Camera {
    /// There is none: the camera is off, or its next frame has not come yet.
    #[default]
    Idle,
    /// It waits for a worker.
    Waiting(RequestId),
    /// A worker is at it.
    Working(RequestId),
    /// This is what came of it, which the camera has not heard yet.
    Done(RequestId, Seen),
}

/// What came of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Classes(Box<Classification>),
    Failed(Failure),
}

impl Camera {
    /// The frame that waits for a worker.
    pub(crate) fn waiting(&self) -> Option<RequestId> {
        match self {
            Camera::Waiting(id) => Some(*id),
            _ => None,
        }
    }

    /// Takes in what came of a frame; `false` when it is not the one that a worker is at.
    pub(crate) fn see(&mut self, id: RequestId, seen: Seen) -> bool {
        let is_at_work = *self == Camera::Working(id);
        if is_at_work {
            *self = Camera::Done(id, seen);
        }
        is_at_work
    }

    /// What is to be told to the camera, once; the next frame may come then.
    pub(crate) fn take_done(&mut self) -> Option<(RequestId, Seen)> {
        match std::mem::take(self) {
            Camera::Done(id, seen) => Some((id, seen)),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes in that the camera is off; the frame that nobody waits for any more.
    pub(crate) fn stop(&mut self) -> Option<RequestId> {
        match std::mem::take(self) {
            Camera::Idle => None,
            Camera::Waiting(id) | Camera::Working(id) | Camera::Done(id, _) => Some(id),
        }
    }
}
