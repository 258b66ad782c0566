//! Statements as the rest of this crate writes them: one text for both databases, and values.

use std::borrow::Cow;

/// A statement with a value for each of its parameters, `$1` first.
///
/// The text is part of the program, never of a request: that is what keeps values out of it.
#[derive(Clone, Debug)]
pub(crate) struct Query<'v> {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value<'v>>,
    /// See [`Query::walking`].
    pub(crate) walks: bool,
}

/// What a column can hold: text, a number, or nothing. PostgreSQL wants to know of which type the
/// nothing is.
#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Text(Cow<'v, str>),
    Number(i64),
    NoText,
    NoNumber,
}

/// A statement without values yet.
pub(crate) const fn query<'v>(sql: &'static str) -> Query<'v> {
    Query { sql, values: Vec::new(), walks: false }
}

// === impl Query ===

impl<'v> Query<'v> {
    /// Gives the next parameter its value.
    pub(crate) fn bind(mut self, value: impl Into<Value<'v>>) -> Self {
        if self.values.capacity() == 0 {
            // Most statements have fewer parameters; growing step by step costs more than the room.
            self.values.reserve_exact(12);
        }
        self.values.push(value.into());
        self
    }

    /// Says that the statement goes from row to row, because the number of rows is bounded. Any other
    /// look-up or change must find its rows by an index.
    pub(crate) const fn walking(mut self) -> Self {
        self.walks = true;
        self
    }

    /// The same statement with values of its own, to be run on another thread.
    pub(crate) fn into_owned(self) -> Query<'static> {
        let values = self.values.into_iter().map(Value::into_owned).collect();
        Query { sql: self.sql, values, walks: self.walks }
    }
}

// === impl Value ===

impl Value<'_> {
    fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Value::Number(number),
            Self::NoText => Value::NoText,
            Self::NoNumber => Value::NoNumber,
        }
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'v> From<Option<&'v str>> for Value<'v> {
    fn from(text: Option<&'v str>) -> Self {
        text.map_or(Self::NoText, Self::from)
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::NoText, Self::from)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoNumber, Self::Number)
    }
}
