//! How far training is, on the terminal.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use vitrine_train::{Epoch, HeadRecipe, Kind};

/// A bar over all epochs of all members; a line per epoch where there is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    score: &'static str,
}

impl Progress {
    /// A bar for `members` heads trained as `recipe` says.
    pub(super) fn new(what: &'static str, members: usize, recipe: &HeadRecipe) -> Result<Progress> {
        let template = "{prefix} {bar:30} {pos}/{len} epochs {elapsed} {msg}";
        let style = ProgressStyle::with_template(template).context("progress template")?;
        let bar = ProgressBar::new((members * recipe.training.epochs) as u64)
            .with_style(style)
            .with_prefix(what);
        bar.enable_steady_tick(std::time::Duration::from_millis(500));
        let score = match recipe.kind {
            Kind::SingleLabel => "accuracy",
            Kind::MultiLabel => "macro-F1",
        };
        Ok(Progress { bar, score })
    }

    /// Shows an epoch that is done.
    pub(super) fn show(&self, epoch: Epoch) {
        let mut words = format!("loss {:.4}", epoch.train_loss);
        if let Some(dev) = epoch.dev {
            let name = self.score;
            words += &format!(", dev loss {:.4}, dev {name} {:.4}", dev.loss, dev.score);
        }
        if std::io::stderr().is_terminal() {
            self.bar.set_message(words);
            self.bar.inc(1);
        } else {
            let (member, at, of) = (epoch.member + 1, epoch.epoch, epoch.of);
            let what = self.bar.prefix();
            eprintln!("  {what}: head {member}, epoch {at} of {of}, {words}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish();
    }
}
