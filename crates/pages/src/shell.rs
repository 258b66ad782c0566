//! What every page shares: whose deployment it is, and how a template becomes a page.

use askama::Template;

/// The deployment that a page speaks for.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The operator's name for it, shown at the head of every page.
    pub title: &'a str,
}

/// Shown if a template could not be rendered. It says nothing that could be wrong.
const LAST_RESORT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Something went wrong</title><h1>Something went wrong</h1>\
    <p>This page could not be shown. Nothing was allowed. Close this window and start again.</p>\
    </html>";

/// The page that `template` makes.
///
/// Rendering writes into memory and only fails if a value's own formatting fails; even then the
/// person gets a page, and one without a form, so nothing can be agreed to by accident.
pub(crate) fn page(template: &impl Template) -> String {
    template.render().unwrap_or_else(|_| LAST_RESORT.to_owned())
}
