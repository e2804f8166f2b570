//! Attributes of XML elements as checked values; every refusal says where, what and what to do.

use crate::MapError;
use roxmltree::Node;

/// Greatest magnitude of a number in a map: larger ones are garbage, and keep sums finite.
const MAGNITUDE_MAX: f64 = 1e8;

/// The text is no XML.
pub(crate) fn not_xml(error: &roxmltree::Error) -> MapError {
    MapError::Xml { line: error.pos().row, column: error.pos().col, message: error.to_string() }
}

/// An error at an element.
pub(crate) fn invalid(node: Node, problem: impl Into<String>, remedy: impl Into<String>) -> MapError {
    let at = node.document().text_pos_at(node.range().start);
    MapError::Invalid {
        line: at.row,
        column: at.col,
        element: node.tag_name().name().to_string(),
        problem: problem.into(),
        remedy: remedy.into(),
    }
}

/// A required attribute's text.
pub(crate) fn text<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, MapError> {
    node.attribute(name).ok_or_else(|| {
        invalid(node, format!("attribute `{name}` is missing"), "OpenDRIVE requires it: add it")
    })
}

/// A required finite number.
pub(crate) fn number(node: Node, name: &str) -> Result<f64, MapError> {
    parse_number(node, name, text(node, name)?)
}

/// A finite number, or `default` where the attribute is absent or empty.
pub(crate) fn number_or(node: Node, name: &str, default: f64) -> Result<f64, MapError> {
    match node.attribute(name).map(str::trim) {
        None | Some("") => Ok(default),
        Some(text) => parse_number(node, name, text),
    }
}

fn parse_number(node: Node, name: &str, text: &str) -> Result<f64, MapError> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.abs() <= MAGNITUDE_MAX => Ok(value),
        _ => Err(invalid(
            node,
            format!("attribute `{name}` is \"{}\"", text.escape_debug()),
            "write a finite decimal number, at most 1e8 in magnitude",
        )),
    }
}

/// A required whole number.
pub(crate) fn integer(node: Node, name: &str) -> Result<i32, MapError> {
    let text = text(node, name)?;
    text.trim().parse::<i32>().ok().filter(|n| n.abs() <= 1000).ok_or_else(|| {
        invalid(
            node,
            format!("attribute `{name}` is \"{}\"", text.escape_debug()),
            "write a whole number from -1000 to 1000",
        )
    })
}

/// The first child element of a name.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}

/// All child elements of a name, in order.
pub(crate) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |n| n.has_tag_name(name))
}
