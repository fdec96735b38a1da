//! Many files: how far they are, what was found in all of them, and a table to look at each.
//!
//! The table is a plain one in pages of fifty rows. A table that grows and shrinks while it is
//! scrolled would hold as few elements, but a screen reader, the browser's search and the focus lose
//! their place in one whose rows come and go.

use std::collections::BTreeMap;

use leptos::html::Dialog;
use leptos::prelude::*;
use vitrine_protocol::{Explanation, RequestId};

use super::card::{ResultCard, Small, Titles, Whole, bar, size_of, totals};
use super::{Key, keyed, stage_of};
use crate::language::explain;
use crate::session::picture_address;
use crate::state::{Content, Event, Filter, Flow, Item, ROWS_PER_PAGE, State, Thumbnail, Totals};
use crate::{export, web, words};

/// Classes that are counted in view, per model; the others stand together.
const TOTALS_SHOWN: usize = 8;

/// What is shown instead of cards when there are many files.
#[component]
pub(super) fn BatchPanel(
    state: ReadSignal<State>,
    titles: Titles,
    report: fn(Event),
) -> impl IntoView {
    let is_shown = Memo::new(move |_| state.with(State::is_batch));
    move || {
        is_shown.get().then(|| {
            view! {
                <section class="batch glass" aria-label=words::batch()>
                    <BatchHead state report />
                    <BatchTotals state titles=titles.clone() />
                    <BatchTable state report />
                    <Opened state titles=titles.clone() report />
                </section>
            }
        })
    }
}

/// Changes once a second while files are worked on, and when something else than that happens:
/// figures that change with every file would otherwise be drawn anew for each. It has to be read: a
/// memo that is only tracked is never computed and tells of no change.
fn beat(state: ReadSignal<State>) -> Memo<(u32, usize, bool, Flow)> {
    Memo::new(move |_| {
        state.with(|state| {
            let counts = state.items.counts();
            (
                state.batch.n_ticks,
                counts.rows,
                counts.open_rows == 0,
                state.batch.flow,
            )
        })
    })
}

/// How far the batch is, and how to stop and go on.
#[component]
fn BatchHead(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let beat = beat(state);
    let progress = move || {
        beat.get();
        state.with_untracked(State::progress)
    };
    let is_open = Memo::new(move |_| state.with(|state| state.items.counts().open_rows > 0));
    let is_paused = Memo::new(move |_| state.with(|state| state.batch.flow == Flow::Paused));
    let turn = move |_| {
        report(Event::FlowChosen(match is_paused.get_untracked() {
            true => Flow::Running,
            false => Flow::Paused,
        }));
    };
    view! {
        <div class="batch-head">
            <div class="download">
                <progress
                    aria-label=words::files_done()
                    max=move || progress().total.to_string()
                    value=move || progress().done.to_string()
                ></progress>
                <p class="figures">{move || words::batch_progress(progress())}</p>
            </div>
            <button
                type="button"
                class="button quiet"
                hidden=move || !is_open.get()
                on:click=turn
            >
                {move || if is_paused.get() { words::resume() } else { words::pause() }}
            </button>
        </div>
    }
}

/// How often each class came first, as bars.
#[component]
fn BatchTotals(state: ReadSignal<State>, titles: Titles) -> impl IntoView {
    let beat = beat(state);
    let lists = move || {
        beat.get();
        state.with_untracked(|state| totals_view(state.items.totals(), &titles))
    };
    view! { <div class="answers">{lists}</div> }
}

fn totals_view(found: &Totals, titles: &Titles) -> Vec<AnyView> {
    let lists = found.iter().filter(|(_, counts)| !counts.is_empty());
    let view = |(model, counts): (&String, &BTreeMap<String, usize>)| {
        let bars = shown_totals(counts)
            .into_iter()
            .map(|(label, n, share)| bar(label, words::files(n), share, false));
        let title = titles.get(model);
        let heading = view! { <h3>{title.clone()}</h3> }.into_any();
        totals(heading, &title, bars.collect())
    };
    lists.map(view).collect()
}

/// The most frequent classes with their numbers and shares, and the rest in one line.
fn shown_totals(counts: &BTreeMap<String, usize>) -> Vec<(String, usize, f64)> {
    let n_all = counts.values().sum::<usize>().max(1) as f64;
    let mut counts: Vec<(&String, usize)> = counts.iter().map(|(label, n)| (label, *n)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let others = counts.split_off(counts.len().min(TOTALS_SHOWN));
    let mut shown: Vec<(String, usize)> = counts
        .into_iter()
        .map(|(label, n)| (label.clone(), n))
        .collect();
    if !others.is_empty() {
        let n = others.iter().map(|(_, n)| n).sum();
        shown.push((words::other_classes(others.len()), n));
    }
    let with_share = |(label, n)| (label, n, n as f64 / n_all);
    shown.into_iter().map(with_share).collect()
}

/// The files, fifty at a time.
#[component]
fn BatchTable(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let rows = Memo::new(move |_| {
        state.with(|state| {
            let first = state.page().0 * ROWS_PER_PAGE;
            let rows = state.rows().enumerate();
            rows.map(|(at, item)| (first + at, item.id.0))
                .collect::<Vec<Key>>()
        })
    });
    let n_rows =
        Memo::new(move |_| state.with(|state| state.batch.filter.count(state.items.counts())));
    view! {
        <div class="batch-tools">
            <FilterChoice state report />
            <Save state />
        </div>
        <div class="table-frame" tabindex="0" role="group" aria-label=words::batch_table()>
            <table class="batch-table" aria-rowcount=move || (n_rows.get() + 1).to_string()>
                <caption class="visually-hidden">{words::batch_table()}</caption>
                <thead>
                    <tr aria-rowindex="1">
                        <th scope="col">{words::batch_file()}</th>
                        <th scope="col">{words::batch_result()}</th>
                        <th scope="col">{words::batch_time()}</th>
                    </tr>
                </thead>
                <tbody>
                    {keyed(rows, move |(at, id)| row(at, RequestId(id), state, report))}
                </tbody>
            </table>
            <p class="caption nothing" hidden=move || n_rows.get() != 0>
                {words::no_rows()}
            </p>
        </div>
        <Pager state n_rows report />
    }
    .into_any()
}

/// Which rows are shown.
#[component]
fn FilterChoice(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let beat = beat(state);
    let chosen = Memo::new(move |_| state.with(|state| state.batch.filter));
    let options: Vec<_> = Filter::ALL
        .into_iter()
        .enumerate()
        .map(|(at, filter)| {
            let name = move || {
                beat.get();
                let counts = state.with_untracked(|state| state.items.counts());
                words::filter(filter, filter.count(counts))
            };
            view! {
                <option value=at.to_string() prop:selected=move || chosen.get() == filter>
                    {name}
                </option>
            }
        })
        .collect();
    let choose = move |event| {
        let at: Option<usize> = event_target_value(&event).parse().ok();
        if let Some(filter) = at.and_then(|at| Filter::ALL.get(at)) {
            report(Event::FilterChosen(*filter));
        }
    };
    view! {
        <label class="choice">
            <span>{words::show()}</span>
            <select on:change=choose>{options}</select>
        </label>
    }
}

/// All rows as a file.
#[component]
fn Save(state: ReadSignal<State>) -> impl IntoView {
    let csv = move |_| {
        let text = state.with_untracked(|state| export::batch_csv(state.items.rows()));
        web::save("vitrine-batch.csv", "text/csv;charset=utf-8", &text);
    };
    let json = move |_| {
        let text = state.with_untracked(|state| export::batch_json(state.items.rows()));
        web::save_json("vitrine-batch.json", &text);
    };
    view! {
        <div class="buttons">
            <button type="button" class="button quiet" on:click=csv>
                {words::save_csv()}
            </button>
            <button type="button" class="button quiet" on:click=json>
                {words::save_json()}
            </button>
        </div>
    }
}

/// One file. The button stays while what was found changes, so that a focus on it is not lost.
fn row(at: usize, id: RequestId, state: ReadSignal<State>, report: fn(Event)) -> AnyView {
    let stage = Memo::new(move |_| state.with(|state| state.item(id).map(stage_of)));
    let of_item = move |view: fn(&Item) -> AnyView| {
        // Read, because a memo that is only tracked is never computed and tells of no change.
        stage.get();
        state.with_untracked(|state| state.item(id).map(view))
    };
    let name = state.with_untracked(|state| state.item(id).map(|item| item.name.clone()));
    view! {
        // The row of headings is the first.
        <tr aria-rowindex=(at + 2).to_string()>
            <th scope="row">
                <div class="batch-file">
                    <span class="batch-picture">{move || of_item(small_picture)}</span>
                    <button
                        type="button"
                        class="row-name"
                        aria-haspopup="dialog"
                        on:click=move |_| report(Event::Opened(Some(id)))
                    >
                        <bdi>{name}</bdi>
                    </button>
                </div>
            </th>
            <td>{move || of_item(outcome)}</td>
            <td class="figures">{move || of_item(time)}</td>
        </tr>
    }
    .into_any()
}

/// The picture beside its name, which says all there is to say.
fn small_picture(item: &Item) -> AnyView {
    let Content::Picture(picture) = &item.content else {
        return ().into_any();
    };
    let thumbnail = picture.thumbnail.clone();
    match thumbnail.as_deref() {
        Some(Thumbnail::Address(address)) => {
            view! { <img src=address.clone() alt="" /> }.into_any()
        }
        Some(Thumbnail::Pixels { .. }) => view! { <Small thumbnail /> }.into_any(),
        // Of thousands only the latest have copies; the browser draws the file itself, if it can.
        None => size_of(picture)
            .zip(picture_address(item.id))
            .map(|(size, address)| view! { <Whole address description="" size /> })
            .into_any(),
    }
}

fn outcome(item: &Item) -> AnyView {
    let found = words::found(item);
    let failure = item.failure().map(|failure| {
        let Explanation { what, why, next } = explain(failure);
        view! {
            <span class="what">{what}</span>
            " "
            {why}
            " "
            {next}
        }
    });
    let state = match (item.is_working(), item.is_open()) {
        (true, _) => Some(words::is_working()),
        (false, true) => Some(words::waiting()),
        (false, false) => None,
    };
    view! {
        <span dir="auto">{found}</span>
        " "
        {failure}
        {state.map(|state| view! { <span class="caption">{state}</span> })}
    }
    .into_any()
}

fn time(item: &Item) -> AnyView {
    let time = item.time();
    (time > 0.0).then(|| words::milliseconds(time)).into_any()
}

/// Which page is shown, and the way to others.
#[component]
fn Pager(state: ReadSignal<State>, n_rows: Memo<usize>, report: fn(Event)) -> impl IntoView {
    let page = Memo::new(move |_| state.with(State::page));
    let shown = move || {
        let first = page.get().0 * ROWS_PER_PAGE;
        let last = (first + ROWS_PER_PAGE).min(n_rows.get());
        words::rows_shown((first + 1).min(last), last, n_rows.get())
    };
    let targets: [fn((usize, usize)) -> usize; 4] = [
        |_| 0,
        |(page, _)| page.saturating_sub(1),
        |(page, n)| (page + 1).min(n - 1),
        |(_, n)| n - 1,
    ];
    let buttons: Vec<_> = words::page_steps()
        .into_iter()
        .zip(targets)
        .map(|(name, target)| {
            // Not `disabled`, which would drop the focus of who turns page after page.
            let is_there = move || target(page.get()) == page.get().0;
            view! {
                <button
                    type="button"
                    class="button quiet"
                    aria-disabled=move || is_there().then_some("true")
                    on:click=move |_| report(Event::PageTurned(target(page.get_untracked())))
                >
                    {name}
                </button>
            }
        })
        .collect();
    view! {
        <nav class="pager" aria-label=words::pages()>
            <p class="figures">{shown}</p>
            <div class="buttons">{buttons}</div>
        </nav>
    }
}

/// One file of the batch with all that is known of it, in front of the page.
#[component]
fn Opened(state: ReadSignal<State>, titles: Titles, report: fn(Event)) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let opened = Memo::new(move |_| {
        state.with(|state| {
            state
                .batch
                .opened
                .and_then(|id| state.item(id))
                .map(stage_of)
        })
    });
    let name = Memo::new(move |_| {
        opened.get();
        let name = |state: &State| Some(state.item(state.batch.opened?)?.name.clone());
        state.with_untracked(name)
    });
    let is_open = Memo::new(move |_| opened.get().is_some());
    Effect::new(move || {
        let is_open = is_open.get();
        if let Some(dialog) = dialog.get() {
            match is_open {
                // Fails only for a dialog that is not in the page.
                true => drop(dialog.show_modal()),
                false => dialog.close(),
            }
        }
    });
    let card = move || {
        let (id, _) = opened.get()?;
        let item = state.with_untracked(|state| state.item(RequestId(id)).cloned())?;
        Some(view! { <ResultCard item made=None state titles=titles.clone() report /> })
    };
    view! {
        <dialog
            node_ref=dialog
            class="opened"
            aria-label=move || name.get()
            on:close=move |_| report(Event::Opened(None))
        >
            {card}
            <button
                type="button"
                class="button"
                on:click=move |_| report(Event::Opened(None))
            >
                {words::close()}
            </button>
        </dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up_whatever_is_shown() {
        let counts: BTreeMap<String, usize> = (0..20)
            .map(|n| (format!("class {n:02}"), 1 + n % 4))
            .collect();
        let shown = shown_totals(&counts);
        assert_eq!(shown.len(), TOTALS_SHOWN + 1);
        assert_eq!(shown[0], ("class 03".to_owned(), 4, 0.08));
        assert_eq!(shown[TOTALS_SHOWN].0, "12 other classes");
        let n: usize = shown.iter().map(|(_, n, _)| n).sum();
        assert_eq!(n, counts.values().sum::<usize>());
    }
}
