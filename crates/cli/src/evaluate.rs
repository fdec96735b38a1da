//! `vitrine evaluate MODEL`: how good a model is, with how sure that is, and how fast.

mod pictures;
mod reading;
mod report;
mod texts;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use vitrine_protocol::Spec;

use self::report::Report;
use crate::assets::Assets;

/// What to evaluate on.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Model by its id, or `reading` for those that read text in pictures together
    #[arg(value_name = "MODEL")]
    subject: String,
    /// For pictures, a folder of files named after their class, such as n02123045_tabby.JPEG; for
    /// texts, the folder of the data set, which else is fetched; for reading, a folder of pictures
    /// with truth.json
    #[arg(long)]
    data: Option<PathBuf>,
    /// Take only every n-th item
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Model file to load instead of the served one
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Write figures and every answer to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the figures to this file as Markdown
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Fail when a figure is worse than this, such as macro-F1=0.41 or "top-1 accuracy=0.88"
    #[arg(long, value_name = "FIGURE=VALUE")]
    require: Vec<String>,
}

/// Measures a model and prints, writes and checks its figures.
pub(crate) fn run(assets: &Assets, options: &Options) -> Result<()> {
    let report = measure(assets, options)?;
    print!("{}", report.lines());
    report.write(options.json.as_deref(), options.markdown.as_deref())?;
    options
        .require
        .iter()
        .try_for_each(|requirement| report.require(requirement))
}

fn measure(assets: &Assets, options: &Options) -> Result<Report> {
    if options.subject == reading::NAME {
        return reading::measure(assets, options);
    }
    let entry = assets.entry(&options.subject)?;
    match &entry.spec {
        Spec::PictureClassification { .. } => pictures::measure(assets, entry, options),
        Spec::TextClassification { .. } => texts::measure(assets, entry, options),
        Spec::TextDetection { .. } | Spec::LineDirection { .. } | Spec::LineRecognition { .. } => {
            reading::measure(assets, options)
        }
        Spec::TextEncoding { .. } => bail!(
            "{} is measured by the heads that read it: evaluate one of those",
            entry.id
        ),
    }
}

impl Options {
    /// The folder that is needed.
    fn folder(&self) -> Result<&PathBuf> {
        self.data
            .as_ref()
            .context("name the folder of the pictures with --data")
    }
}

/// A bar over `n` items.
fn progress(n: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed} eta {eta}");
    Ok(ProgressBar::new(n as u64).with_style(style.context("progress template")?))
}
