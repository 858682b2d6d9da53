//! Charts as SVG: bars, and lines over two logarithmic axes.

use std::fmt::Write as _;

/// Colours of lines and bars, on white and on black.
const COLOURS: [(&str, &str); 7] = [
    ("#6e7781", "#8b949e"),
    ("#0969da", "#58a6ff"),
    ("#bc4c00", "#f0883e"),
    ("#1a7f37", "#3fb950"),
    ("#8250df", "#bc8cff"),
    ("#bf3989", "#f778ba"),
    ("#9a6700", "#d29922"),
];
/// Pixels from left to right.
const WIDTH: f64 = 720.0;
/// Where bars begin, and where the longest ends.
const BARS: (f64, f64) = (190.0, 610.0);
/// From one bar to the next.
const BAR: f64 = 34.0;
/// Left, right, top and bottom of the field of lines.
const FIELD: (f64, f64, f64, f64) = (84.0, 500.0, 48.0, 320.0);

/// What is written at an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Octets,
}

/// Who a line or bar is of; in all charts in the same colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// One of [`COLOURS`].
    pub(crate) colour: usize,
}

/// One bar below the other.
pub(crate) struct Bars {
    pub(crate) title: &'static str,
    /// Digits behind the point.
    pub(crate) digits: usize,
    pub(crate) bars: Vec<(Name, f64)>,
}

/// Lines over two logarithmic axes.
pub(crate) struct Lines {
    pub(crate) title: &'static str,
    /// What lies on the axis from left to right.
    pub(crate) across: (&'static str, Unit),
    /// Names and points; only points above 0 have a place.
    pub(crate) lines: Vec<(Name, Vec<(f64, f64)>)>,
}

impl Bars {
    /// The picture.
    pub(crate) fn svg(&self) -> String {
        let longest = self
            .bars
            .iter()
            .map(|(_, value)| *value)
            .fold(0.0, f64::max);
        let mut body = String::new();
        for (number, (name, value)) in self.bars.iter().enumerate() {
            let top = 44.0 + BAR * number as f64;
            let (left, right) = BARS;
            let length = if longest > 0.0 {
                (right - left) * value / longest
            } else {
                0.0
            };
            let colour = name.colour % COLOURS.len();
            let (middle, behind) = (top + 16.0, left + length + 8.0);
            let digits = self.digits;
            push(
                &mut body,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\
                     <rect class=\"c{colour}\" x=\"{left:.1}\" y=\"{top:.1}\" \
                     width=\"{length:.1}\" height=\"22\" rx=\"2\"/>\
                     <text x=\"{behind:.1}\" y=\"{middle:.1}\">{}</text>\n",
                    left - 10.0,
                    escaped(&name.text),
                    number_text(*value, digits),
                ),
            );
        }
        let height = 60.0 + BAR * self.bars.len() as f64;
        whole(self.title, height, &body)
    }
}

impl Lines {
    /// The picture.
    pub(crate) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let points = || points().filter(|(x, y)| *x > 0.0 && *y > 0.0);
        let mut marks: Vec<f64> = points().map(|(x, _)| *x).collect();
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        let ticks = ticks(points().map(|(_, y)| *y));
        let (left, right, top, bottom) = FIELD;
        let across = Scale::new(&marks, left + 16.0, right - 16.0);
        let up = Scale::new(&ticks, bottom, top);
        let mut body = String::new();
        for tick in &ticks {
            let y = up.place(*tick);
            push(
                &mut body,
                format_args!(
                    "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                    left - 8.0,
                    y + 4.0,
                    number_text(*tick, 0)
                ),
            );
        }
        for mark in &marks {
            let x = across.place(*mark);
            push(
                &mut body,
                format_args!(
                    "<path class=\"grid\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>\
                     <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
                    bottom + 20.0,
                    mark_text(*mark, self.across.1)
                ),
            );
        }
        push(
            &mut body,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
                f64::midpoint(left, right),
                bottom + 44.0,
                escaped(self.across.0)
            ),
        );
        for (number, line) in self.lines.iter().enumerate() {
            draw(&mut body, number, line, (&across, &up));
        }
        whole(self.title, bottom + 60.0, &body)
    }
}

/// A line with its points, and its name at the right.
fn draw(
    body: &mut String,
    number: usize,
    (name, points): &(Name, Vec<(f64, f64)>),
    (across, up): (&Scale, &Scale),
) {
    let colour = name.colour % COLOURS.len();
    let places: Vec<(f64, f64)> = (points.iter())
        .filter(|(x, y)| *x > 0.0 && *y > 0.0)
        .map(|(x, y)| (across.place(*x), up.place(*y)))
        .collect();
    let way: Vec<String> = (places.iter())
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    push(
        body,
        format_args!(
            "<polyline class=\"l{colour}\" points=\"{}\"/>\n",
            way.join(" ")
        ),
    );
    for (x, y) in places {
        push(
            body,
            format_args!("<circle class=\"c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>\n"),
        );
    }
    let (_, right, top, _) = FIELD;
    let y = top + 12.0 + 24.0 * number as f64;
    push(
        body,
        format_args!(
            "<circle class=\"c{colour}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{}</text>\n",
            right + 24.0,
            y - 4.0,
            right + 36.0,
            escaped(&name.text)
        ),
    );
}

/// A logarithmic axis from the first of its marks to the last.
struct Scale {
    first: f64,
    last: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn new(marks: &[f64], from: f64, to: f64) -> Self {
        Self {
            first: marks.first().copied().unwrap_or(1.0),
            last: marks.last().copied().unwrap_or(1.0),
            from,
            to,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let span = (self.last / self.first).ln();
        if span <= 0.0 {
            return f64::midpoint(self.from, self.to);
        }
        self.from + (self.to - self.from) * (value / self.first).ln() / span
    }
}

/// 1, 2 and 5 of every power of ten around the values; powers of ten only, over a wide range.
fn ticks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let bounds = values.fold(None, |bounds: Option<(f64, f64)>, value| {
        let (least, most) = bounds.unwrap_or((value, value));
        Some((least.min(value), most.max(value)))
    });
    let Some((least, most)) = bounds else {
        return Vec::new();
    };
    let steps: &[f64] = if most / least > 300.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let (from, to) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    let all: Vec<f64> = (from..=to)
        .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
        .collect();
    let below = all.iter().rposition(|tick| *tick <= least).unwrap_or(0);
    let above = all.iter().position(|tick| *tick >= most);
    let above = above.unwrap_or(all.len() - 1).max(below);
    all[below..=above].to_vec()
}

fn mark_text(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => number_text(value, 0),
        Unit::Octets if value >= 1e6 => format!("{} MB", number_text(value / 1e6, 0)),
        Unit::Octets => format!("{} kB", number_text(value / 1e3, 0)),
    }
}

/// With commas between thousands; what is below 1 keeps its digits.
fn number_text(value: f64, digits: usize) -> String {
    if digits > 0 || value < 1.0 {
        let digits = if digits > 0 { digits } else { 2 };
        return format!("{value:.digits$}");
    }
    let plain = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn push(body: &mut String, piece: std::fmt::Arguments<'_>) {
    // Text always has room.
    let _ = body.write_fmt(piece);
}

/// The picture around the body: it has a ground of its own, dark where the reader's screen is.
fn whole(title: &str, height: f64, body: &str) -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for (number, (on_white, on_black)) in COLOURS.iter().enumerate() {
        for (style, colour) in [(&mut light, on_white), (&mut dark, on_black)] {
            push(
                style,
                format_args!(".c{number}{{fill:{colour}}}.l{number}{{stroke:{colour}}}"),
            );
        }
    }
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
         width=\"{WIDTH:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>text{{font:13px system-ui,sans-serif;fill:#1f2328}}.ground{{fill:#fff}}\
         .grid{{stroke:#d1d9e0}}polyline{{fill:none;stroke-width:2}}{light}\
         @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.ground{{fill:#0d1117}}\
         .grid{{stroke:#30363d}}{dark}}}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n\
         <text x=\"16\" y=\"26\" style=\"font-weight:600\">{title}</text>\n{body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, colour: usize) -> Name {
        let text = text.to_owned();
        Name { text, colour }
    }

    fn near(value: f64, wanted: f64) {
        assert!((value - wanted).abs() < 1e-6, "{value}, not {wanted}");
    }

    #[test]
    fn a_logarithmic_axis_has_decades_at_equal_distances() {
        let scale = Scale::new(&[1.0, 50.0, 1_000.0], 100.0, 400.0);
        near(scale.place(1.0), 100.0);
        near(scale.place(10.0), 200.0);
        near(scale.place(1_000.0), 400.0);
        near(Scale::new(&[7.0], 0.0, 10.0).place(7.0), 5.0);
    }

    #[test]
    fn ticks_are_around_the_values() {
        assert_eq!(
            ticks([30.0, 450.0].into_iter()),
            [20.0, 50.0, 100.0, 200.0, 500.0]
        );
        assert_eq!(
            ticks([3.0, 4_500.0].into_iter()),
            [1.0, 10.0, 100.0, 1_000.0, 10_000.0]
        );
        assert_eq!(ticks([10.0].into_iter()), [10.0]);
        assert!(ticks([].into_iter()).is_empty());
    }

    #[test]
    fn numbers_can_be_read() {
        assert_eq!(number_text(1_234_567.0, 0), "1,234,567");
        assert_eq!(number_text(999.6, 0), "1,000");
        assert_eq!(number_text(0.345, 0), "0.34");
        assert_eq!(number_text(3.0, 2), "3.00");
        assert_eq!(mark_text(10_000.0, Unit::Octets), "10 kB");
        assert_eq!(mark_text(1e7, Unit::Octets), "10 MB");
    }

    #[test]
    fn names_cannot_become_markup() {
        let bars = vec![(name("<b> & \"c\"", 0), 2.0), (name("half", 1), 1.0)];
        let svg = Bars {
            title: "A < B",
            digits: 0,
            bars,
        }
        .svg();
        assert!(svg.contains(">&lt;b&gt; &amp; &quot;c&quot;<"), "{svg}");
        assert!(svg.contains("A &lt; B"), "{svg}");
        assert!(!svg.contains("<b>"), "{svg}");
        assert!(
            svg.contains("width=\"420.0\"") && svg.contains("width=\"210.0\""),
            "{svg}"
        );
    }

    #[test]
    fn lines_leave_out_what_has_no_place() {
        let svg = Lines {
            title: "Lines",
            across: ("sessions", Unit::Count),
            lines: vec![
                (
                    name("one", 0),
                    vec![(1.0, 10.0), (10.0, 100.0), (100.0, 0.0)],
                ),
                (name("none", 8), Vec::new()),
            ],
        }
        .svg();
        // From the bottom left to the top right, a little within the field.
        assert!(svg.contains("points=\"100.0,320.0 484.0,48.0\""), "{svg}");
        assert!(svg.contains("class=\"l1\" points=\"\""), "{svg}");
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }
}
