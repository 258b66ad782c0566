//! Names that two readers of JSON may take for different members.

use super::json::Members;

/// Two readers could take different members for the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// Refuses an object in which one of these names stands twice, or stands only for readers that
/// ignore case, as those do that are written with Go's `encoding/json`, or what follows a NUL, as
/// those do whose texts end there.
pub fn none(members: &Members<'_>, names: &[&str]) -> Result<(), Ambiguous> {
    let ambiguous = names.iter().any(|known| {
        let mut taken = members.iter().map(|(name, _)| name).filter(|name| reads_as(name, known));
        taken.next().is_some_and(|first| first != *known || taken.next().is_some())
    });
    if ambiguous { Err(Ambiguous) } else { Ok(()) }
}

/// Whether some reader takes a name for this known one, which is in lower case: as far as a NUL and
/// without differences of case, those of the long s and the Kelvin sign included.
pub fn reads_as(name: &str, known: &str) -> bool {
    let name = name.split('\0').next().unwrap_or_default();
    if name.is_ascii() {
        return name.eq_ignore_ascii_case(known);
    }
    // Folding makes no name shorter than a third.
    name.len() <= 3 * known.len() && name.to_uppercase().to_lowercase() == known
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_every_reader() {
        let check = |object: &str| none(&Members::read(object).unwrap(), &["tools", "result"]);
        for fine in ["{}", r#"{"tools":1,"result":2,"Other":3}"#, r#"{"tools_":1}"#] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for odd in [
            r#"{"TOOLS":1}"#,
            "{\"tool\u{17f}\":1}",
            r#"{"tools":1,"tools":1}"#,
            r#"{"tools":1,"Tools":1}"#,
            r#"{"tools\u0000":1}"#,
            r#"{"Result\u0000 and more than could be that name":1}"#,
        ] {
            assert_eq!(check(odd), Err(Ambiguous), "{odd}");
        }
    }
}
