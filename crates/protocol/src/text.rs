//! Text that other people chose and that we show or log.

/// Makes a self-declared name safe to show on one line (RG-5): control characters, direction
/// overrides and invisible characters go, white space is folded, and it ends after 128 characters.
///
/// `None` if nothing is left that can be seen.
pub fn display_name(unverified: &str) -> Option<String> {
    let visible: String = unverified.chars().filter(|c| !is_deceptive(*c)).collect();
    let folded: Vec<&str> = visible.split_whitespace().collect();
    let name: String = folded.join(" ").chars().take(128).collect();
    (!is_blank(&name)).then_some(name)
}

/// Whether nothing in a text can be seen: it is empty, or white space by another name.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Unicode's property `Default_Ignorable_Code_Point`, and the braille pattern without a dot. A
/// visible text may well have some of them, such as the selector that gives an emoji its colour.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Characters that hide, reorder or break a line.
pub fn is_deceptive(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-REG-15.
    #[test]
    fn t_reg_15_names_are_cleaned() {
        assert_eq!(
            display_name("Claude\u{202E} Code\0\n(gw)").as_deref(),
            Some("Claude Code (gw)")
        );
        assert_eq!(display_name("\u{200B}\u{202E} \n"), None);
        let emoji = "\u{2601}\u{FE0F} Cloud";
        assert_eq!(display_name(emoji).as_deref(), Some(emoji));
        assert_eq!(display_name(&"x".repeat(10_000)).map(|name| name.len()), Some(128));
    }

    /// A name that nobody sees would leave a consent page without one.
    #[test]
    fn blank_characters_are_no_name() {
        for blank in
            ['\u{2800}', '\u{3164}', '\u{115F}', '\u{1160}', '\u{34F}', '\u{FE0F}', '\u{FFA0}']
        {
            let name = format!("{blank} {blank}");
            assert!(is_blank(&name) && display_name(&name).is_none(), "{name:?}");
            assert_eq!(display_name(&format!("{}x", name.repeat(100))), None, "cut before the x");
            assert!(!is_blank(&format!("{name}x")), "{name:?}");
        }
        assert!(is_blank(""));
    }
}
