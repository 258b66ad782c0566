//! What the lists of one server say of its tools, by their names.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Remembers something of each tool. The server chooses how many tools it has and how long their
/// names are, so both are bounded.
pub(crate) struct ByTool<V> {
    known: ArcSwap<Known<V>>,
    /// How much a value takes beside the name.
    weigh: fn(&V) -> usize,
}

#[derive(Clone)]
struct Known<V> {
    tools: HashMap<Box<str>, V>,
    bytes: usize,
}

/// How many tools of one server are remembered.
const MAX_TOOLS: usize = 10_000;
/// How many bytes of them, names included.
const MAX_BYTES: usize = 4 << 20;

impl<V: Clone + PartialEq> ByTool<V> {
    pub(crate) fn new(weigh: fn(&V) -> usize) -> Self {
        Self { known: ArcSwap::default(), weigh }
    }

    /// What is known of a tool.
    pub(crate) fn get(&self, tool: &str) -> Option<V> {
        self.known.load().tools.get(tool).cloned()
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.known.store(Arc::default());
    }

    /// Takes in one list, or one page of it. If there is no room for it beside what is known, only
    /// the list is known from now on, as far as there is room for that.
    pub(crate) fn learn(&self, list: impl IntoIterator<Item = (Box<str>, V)>) {
        let known = self.known.load();
        let is_news = |(tool, value): &(Box<str>, V)| known.tools.get(tool) != Some(value);
        let news: Vec<_> = list.into_iter().filter(is_news).collect();
        if news.is_empty() {
            return;
        }
        let bytes: usize = news.iter().map(|(tool, value)| self.weight(tool, value)).sum();
        let fits = known.tools.len() + news.len() <= MAX_TOOLS && known.bytes + bytes <= MAX_BYTES;
        let mut merged = if fits { Known::clone(&known) } else { Known::default() };
        for (tool, value) in news {
            let weight = self.weight(&tool, &value);
            if merged.tools.len() == MAX_TOOLS || merged.bytes + weight > MAX_BYTES {
                continue;
            }
            let replaced = merged.tools.get(&tool).map_or(0, |old| self.weight(&tool, old));
            merged.bytes = merged.bytes + weight - replaced;
            merged.tools.insert(tool, value);
        }
        self.known.store(Arc::new(merged));
    }

    fn weight(&self, tool: &str, value: &V) -> usize {
        tool.len() + (self.weigh)(value)
    }
}

impl<V> Default for Known<V> {
    fn default() -> Self {
        Self { tools: HashMap::new(), bytes: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tools: &ByTool<u8>) -> (usize, usize) {
        let known = tools.known.load();
        assert_eq!(known.bytes, known.tools.keys().map(|name| name.len()).sum::<usize>());
        (known.tools.len(), known.bytes)
    }

    #[test]
    fn the_last_list_counts() {
        let tools = ByTool::new(|_| 0);
        tools.learn([("a".into(), 1u8), ("b".into(), 1)]);
        tools.learn([("b".into(), 2), ("c".into(), 2), ("c".into(), 3)]);
        let known = ["a", "b", "c", "d"].map(|tool| tools.get(tool));
        assert_eq!(known, [Some(1), Some(2), Some(3), None]);
        assert_eq!(names(&tools), (3, 3));
        tools.forget();
        assert_eq!(tools.get("a"), None);
    }

    /// N17: neither many tools nor long names take more than there is room for.
    #[test]
    fn what_is_remembered_is_bounded_in_number_and_bytes() {
        let tools = ByTool::new(|_| 0);
        for part in 0..3 {
            tools.learn((0..4000).map(|n| (format!("t{part}-{n}").into(), 0u8)));
            assert!(names(&tools).0 <= MAX_TOOLS);
        }
        assert_eq!(tools.get("t2-3999"), Some(0));
        tools.learn((0..20_000).map(|n| (format!("t{n}").into(), 0)));
        assert_eq!(names(&tools).0, MAX_TOOLS);
        for n in 0..40 {
            tools.learn([(format!("{n}{}", "x".repeat(1 << 18)).into(), 0)]);
            assert!(names(&tools).1 <= MAX_BYTES);
        }
        tools.learn([("x".repeat(MAX_BYTES + 1).into(), 0)]);
        assert_eq!(names(&tools), (0, 0));
    }
}
