//! Medians and the table that `docs/benchmarks.md` keeps.

/// The middle value; the mean of the two middle ones for an even count; 0 of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
        (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => {
            f64::midpoint(*below, *above)
        }
        (_, Some(value)) => *value,
        _ => 0.0,
    }
}

/// One measured pair: Waypost first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) waypost: f64,
    pub(crate) postfix: f64,
}

/// A cell: both medians, and the median of the pairs' ratios.
pub(crate) fn cell(pairs: &[Pair], digits: usize) -> String {
    let waypost = median(pairs.iter().map(|pair| pair.waypost));
    let postfix = median(pairs.iter().map(|pair| pair.postfix));
    let ratio = median(pairs.iter().map(|pair| pair.waypost / pair.postfix));
    format!("{waypost:.digits$} / {postfix:.digits$} = {ratio:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median([]).abs() < f64::EPSILON);
    }
}
