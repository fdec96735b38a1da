//! The site itself: whether there is a network, and whether a newer version waits.

/// What the page knows of its site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) connection: Connection,
    pub(crate) version: Version,
}

/// Whether there is a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Connection {
    #[default]
    Online,
    Offline,
}

/// Which version of the site this page is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Version {
    /// None that is newer is known.
    #[default]
    Newest,
    /// A newer one is here and waits until a person asks for it.
    NewerReady,
}
