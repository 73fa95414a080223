//! Charts of figures as SVG: bars for each engine, and curves over an amount.
//!
//! Must not know how figures come about. Invariant: bars of times are logarithmic and say so; ours are of another colour.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::{
    engine,
    report::{
        losses::more_is_better,
        tables::{Title, rows, short},
    },
    results::{Results, Row},
    work::{Group, latency::PERCENTILES},
};

const WIDTH: u32 = 900;
const BAR: i32 = 18;
const GAP: i32 = 6;
const LEFT: i32 = 190;
const RIGHT: i32 = 130;
const TOP: i32 = 56;

const OURS: RGBColor = RGBColor(0xC8, 0x4B, 0x11);
const MEMORY: RGBColor = RGBColor(0x7A, 0x9C, 0xC6);
const DISK: RGBColor = RGBColor(0x4F, 0x6D, 0x7A);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const COLOURS: [RGBColor; 7] = [
    OURS,
    RGBColor(0x1B, 0x6C, 0xA8),
    RGBColor(0x3A, 0x7D, 0x44),
    RGBColor(0x7B, 0x4B, 0x94),
    RGBColor(0xB8, 0x86, 0x0B),
    RGBColor(0x4F, 0x6D, 0x7A),
    RGBColor(0x99, 0x33, 0x55),
];

/// A chart that was written.
pub(super) struct Chart {
    pub file: String,
    pub what: String,
}

/// Bars of an operation, one for each engine; nothing if fewer than two have it.
pub(super) fn bars(results: &Results, title: &Title, operation: &str, dir: &Path) -> Result<Option<Chart>> {
    let all = rows(results, title);
    let mut bars: Vec<(&Row, f64)> = all
        .into_iter()
        .filter(|row| row.operation == operation)
        .filter_map(|row| row.value.filter(|value| *value > 0.0).map(|value| (row, value)))
        .collect();
    let Some((first, _)) = bars.first().filter(|_| bars.len() > 1) else { return Ok(None) };
    let unit = first.unit.clone();
    let more = more_is_better(&unit);
    bars.sort_by(|(_, one), (_, other)| if more { other.total_cmp(one) } else { one.total_cmp(other) });

    let what = format!("{} {operation}, {} entries", title.pair, super::tables::grouped(title.entries as i64));
    let file = format!("{}-{}-{}-{}.svg", title.group, title.pair, title.entries, operation.replace(['/', '%'], "_"));
    let path = dir.join(&file);
    let height = TOP + bars.len() as i32 * (BAR + GAP) + GAP;
    let root = SVGBackend::new(&path, (WIDTH, height as u32)).into_drawing_area();
    root.fill(&WHITE).map_err(fault)?;
    let scale = Scale::of(bars.iter().map(|(_, value)| *value), more);
    write(&root, &what, (12, 10), 18)?;
    let direction = if more { "more is better" } else { "less is better" };
    let kind = if more { "linear" } else { "logarithmic" };
    write(&root, &format!("{unit}, {direction}, {kind}"), (12, 33), 13)?;
    for (at, (row, value)) in bars.iter().enumerate() {
        let top = TOP + at as i32 * (BAR + GAP);
        let right = LEFT + scale.length(*value, WIDTH as i32 - LEFT - RIGHT);
        let bar = Rectangle::new([(LEFT, top), (right, top + BAR)], colour(&row.cell.engine).filled());
        root.draw(&bar).map_err(fault)?;
        write(&root, &row.cell.engine, (12, top + 3), 13)?;
        let capped = if row.capped { " (stopped)" } else { "" };
        write(&root, &format!("{}{capped}", short(*value)), (right + 6, top + 3), 13)?;
    }
    root.present().map_err(fault)?;
    Ok(Some(Chart { file: format!("bench/{file}"), what }))
}

/// Curves of a group whose operations are named for an amount, over that amount.
pub(super) fn curves(results: &Results, title: &Title, prefix: &str, dir: &Path) -> Result<Option<Chart>> {
    let all = rows(results, title);
    let amount = |row: &Row| row.operation.strip_prefix(prefix)?.strip_suffix('%')?.parse::<f64>().ok();
    let mut curves: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for row in all {
        let (Some(x), Some(y)) = (amount(row), row.value) else { continue };
        match curves.iter_mut().find(|(engine, _)| *engine == row.cell.engine) {
            Some((_, points)) => points.push((x, y)),
            None => curves.push((&row.cell.engine, vec![(x, y)])),
        }
    }
    let points = || curves.iter().flat_map(|(_, points)| points);
    if points().count() < 2 {
        return Ok(None);
    }
    let right = points().map(|(x, _)| *x).fold(0.0, f64::max);
    let (low, high) = points().fold((f64::MAX, 0.0f64), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let what = format!("{} {}: ns an insert by data stored, in % of the memory", title.group, title.pair);
    let file = format!("{}-{}-{}.svg", title.group, title.pair, title.entries);
    let path = dir.join(&file);
    let root = SVGBackend::new(&path, (WIDTH, 480)).into_drawing_area();
    root.fill(&WHITE).map_err(fault)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(&what, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right * 1.02, (low / 1.3..high * 4.0).log_scale())
        .map_err(fault)?;
    chart.configure_mesh().x_desc("% of memory").y_desc("ns (log)").draw().map_err(fault)?;
    for (at, (engine, points)) in curves.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        chart
            .draw_series(line)
            .map_err(fault)?
            .label(*engine)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(INK)
        .draw()
        .map_err(fault)?;
    root.present().map_err(fault)?;
    drop(chart);
    Ok(Some(Chart { file: format!("bench/{file}"), what }))
}

/// Operations of a group that are drawn.
pub(super) fn drawn(group: &str) -> Vec<&'static str> {
    let is = |other: Group| group == other.name();
    if is(Group::Basic) {
        vec!["load", "hit", "on-disk"]
    } else if is(Group::Ycsb) {
        vec!["ycsb-A", "ycsb-B", "ycsb-C", "ycsb-D", "ycsb-E", "ycsb-F"]
    } else if is(Group::Mixes) {
        vec!["mix-100/0", "mix-90/10", "mix-50/50"]
    } else if is(Group::Latency) {
        PERCENTILES.iter().map(|(operation, _)| *operation).filter(|operation| *operation != "insert-p50").collect()
    } else if is(Group::Kill) {
        vec!["reopen-killed"]
    } else if is(Group::Synced) {
        vec!["sync-each"]
    } else if is(Group::Beyond) {
        vec!["beyond-get"]
    } else {
        Vec::new()
    }
}

/// How long bars are.
struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, linear: bool) -> Scale {
        let (low, high) = values.fold((f64::MAX, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        if linear {
            return Scale { from: 0.0, to: high, logarithmic: false };
        }
        Scale { from: 10f64.powf((low / 2.0).log10().floor()), to: high, logarithmic: true }
    }

    fn length(&self, value: f64, room: i32) -> i32 {
        let share = if self.logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        (share * f64::from(room)).round() as i32
    }
}

fn colour(name: &str) -> RGBColor {
    match engine::about(name) {
        Ok(about) if about.ours() => OURS,
        Ok(about) if about.kind == engine::Kind::Memory => MEMORY,
        _ => DISK,
    }
}

fn write(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    text: &str,
    at: (i32, i32),
    size: i32,
) -> Result<()> {
    root.draw(&Text::new(text.to_owned(), at, ("sans-serif", size).into_font().color(&INK))).map_err(fault)
}

fn fault(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw a chart: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion() {
        let linear = Scale::of([2.0, 4.0].into_iter(), true);
        assert_eq!((linear.length(2.0, 100), linear.length(4.0, 100)), (50, 100));
        let logarithmic = Scale::of([20.0, 200.0, 2000.0].into_iter(), false);
        let lengths = [20.0, 200.0, 2000.0].map(|value| logarithmic.length(value, 300));
        assert_eq!(lengths[2], 300);
        assert!(lengths[0] > 0 && (lengths[1] - lengths[0] - (lengths[2] - lengths[1])).abs() <= 1, "{lengths:?}");
    }
}
