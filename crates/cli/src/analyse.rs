//! `vitrine analyse TEXT…`: what texts express, on the terminal.

use anyhow::Result;
use vitrine_engine::Workbench;
use vitrine_protocol::{Stages as _, TextAnswer};

use crate::assets::Assets;

/// What to analyse.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Texts, each in quotation marks
    #[arg(required = true)]
    texts: Vec<String>,
}

/// Prints what every head of the registry says of each text.
pub(crate) fn run(assets: &Assets, options: &Options) -> Result<()> {
    let mut workbench = Workbench::new();
    for entry in &assets.registry.models {
        if matches!(entry.spec.task(), "text-encoding" | "text-classification") {
            assets.load(&mut workbench, entry, None)?;
        }
    }
    for text in &options.texts {
        let (answers, encoded, times) = workbench.analyse(text, crate::now)?;
        println!("{text}");
        for answer in &answers {
            println!("  {}", line(answer));
        }
        let n_read = encoded.n_read();
        println!(
            "  ({n_read} of {} tokens, {:.1} ms)",
            encoded.n_tokens,
            times.total()
        );
    }
    Ok(())
}

/// One head's answer: `emotion: gratitude 97.1 %, joy 40.2 %`; what does not hold is in brackets.
fn line(answer: &TextAnswer) -> String {
    let classes: Vec<String> = answer
        .classes
        .iter()
        .enumerate()
        .map(|(at, class)| {
            let text = format!("{} {:.1} %", class.label, 100.0 * class.probability);
            if at < answer.n_holding {
                text
            } else {
                format!("({text})")
            }
        })
        .collect();
    format!("{}: {}", answer.model, classes.join(", "))
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::Class;

    use super::*;

    #[test]
    fn what_does_not_hold_is_in_brackets() {
        let class = |label: &str, probability| Class {
            index: 0,
            label: label.into(),
            logit: 0.0,
            probability,
        };
        let answer = TextAnswer {
            model: "emotion".to_owned(),
            classes: vec![class("gratitude", 0.971), class("joy", 0.25)],
            n_holding: 1,
        };
        assert_eq!(line(&answer), "emotion: gratitude 97.1 %, (joy 25.0 %)");
    }
}
