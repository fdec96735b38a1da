//! The site without a network, as `offline.js` tells of it: that script has the service worker keep
//! the site, and learns when a newer version is here.

use crate::intake::{on, tell};
use crate::session::report;
use crate::state::{Connection, Event};

/// Hears of the network and of newer versions from now on.
pub(crate) fn listen() {
    on("vitrine:connection", |event| {
        report(Event::Connected(match event.detail().is_truthy() {
            true => Connection::Online,
            false => Connection::Offline,
        }));
    });
    on("vitrine:update-ready", |_| report(Event::UpdateReady));
}

/// Has the newer version take over, which loads the page anew.
pub(crate) fn update() {
    tell("vitrine:update");
}
