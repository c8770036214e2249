//! Templates: XML compiled into instructions (specification 6 and 7).

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use roxmltree::Node;

/// Why templates cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The element, by its name and the nearest `name`.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for TemplateError {}

/// What kind of value a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    UInt32,
    UInt64,
    Int32,
    Int64,
    Ascii,
    Vector,
    Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    None,
    Constant,
    Copy,
    Default,
    Increment,
    Delta,
    Tail,
}

/// An initial value, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Initial {
    Number(i128),
    /// Mantissa and exponent.
    Decimal(i64, i32),
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: String,
    pub kind: Kind,
    pub optional: bool,
    pub operator: Operator,
    pub initial: Option<Initial>,
    pub slot: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Instruction {
    Field(Field),
    /// A decimal whose exponent and mantissa have operators of their own.
    Parts {
        name: String,
        exponent: Field,
        mantissa: Field,
    },
    Sequence {
        name: String,
        length: Field,
        body: Vec<Instruction>,
        pmap: bool,
    },
    Group {
        optional: bool,
        body: Vec<Instruction>,
        pmap: bool,
    },
}

impl Field {
    /// Whether it takes a bit of the presence map (specification 10.5.1, table).
    fn has_bit(&self) -> bool {
        match self.operator {
            Operator::None | Operator::Delta => false,
            Operator::Constant => self.optional,
            Operator::Copy | Operator::Default | Operator::Increment | Operator::Tail => true,
        }
    }
}

impl Instruction {
    fn has_bit(&self) -> bool {
        match self {
            Instruction::Field(field) => field.has_bit(),
            Instruction::Parts { exponent, mantissa, .. } => {
                exponent.has_bit() || mantissa.has_bit()
            }
            Instruction::Sequence { length, .. } => length.has_bit(),
            Instruction::Group { optional, .. } => *optional,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Template {
    pub id: u32,
    pub name: String,
    pub body: Vec<Instruction>,
}

/// The templates of a stream.
#[derive(Clone, Debug)]
pub struct Templates {
    pub(super) list: Vec<Template>,
    pub(super) slots: usize,
}

impl Templates {
    /// Compiles the text of a template file.
    ///
    /// # Errors
    /// Text that is no XML, elements or attributes that FAST 1.1 does not have or that are not
    /// supported here, values that do not fit their type.
    pub fn parse(xml: &str) -> Result<Templates, TemplateError> {
        let broken =
            |e: roxmltree::Error| TemplateError { place: "xml".into(), reason: e.to_string() };
        let document = roxmltree::Document::parse(xml).map_err(broken)?;
        let elements = document.descendants().filter(|node| node.has_tag_name_any("template"));
        let elements: Vec<Node<'_, '_>> = elements.collect();
        let mut slots = Slots { known: HashMap::new(), templates: &elements };
        let mut list = Vec::new();
        for element in elements.iter().filter(|element| element.attribute("id").is_some()) {
            let id = element.attribute("id").and_then(|id| id.parse().ok());
            let id = id.ok_or_else(|| wrong(*element, "id is no number"))?;
            let name = element.attribute("name").unwrap_or_default().to_owned();
            let scope =
                Scope { template: name.clone(), dictionary: dictionary(*element, "global") };
            let body = slots.body(*element, &scope, 0)?;
            list.push(Template { id, name, body });
        }
        if list.is_empty() {
            let reason = "no template with an id".into();
            return Err(TemplateError { place: "templates".into(), reason });
        }
        let slots = slots.known.len();
        Ok(Templates { list, slots })
    }

    /// Id and name of each.
    pub fn names(&self) -> impl Iterator<Item = (u32, &str)> {
        self.list.iter().map(|template| (template.id, template.name.as_str()))
    }
}

/// Elements by their local name: files differ in how they name the namespace.
trait TagName {
    fn has_tag_name_any(&self, name: &str) -> bool;
}

impl TagName for Node<'_, '_> {
    fn has_tag_name_any(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

#[derive(Clone)]
struct Scope {
    template: String,
    dictionary: String,
}

fn dictionary(node: Node<'_, '_>, inherited: &str) -> String {
    node.attribute("dictionary").unwrap_or(inherited).to_owned()
}

fn wrong(node: Node<'_, '_>, reason: &str) -> TemplateError {
    let named = node.ancestors().find_map(|node| node.attribute("name")).unwrap_or("?");
    TemplateError { place: format!("{} {named}", node.tag_name().name()), reason: reason.into() }
}

/// Template references nest no deeper.
const DEPTH_MAX: usize = 16;

struct Slots<'a, 'd> {
    known: HashMap<String, usize>,
    templates: &'a [Node<'d, 'd>],
}

impl<'d> Slots<'_, 'd> {
    fn body(
        &mut self,
        node: Node<'d, 'd>,
        scope: &Scope,
        depth: usize,
    ) -> Result<Vec<Instruction>, TemplateError> {
        if depth > DEPTH_MAX {
            return Err(wrong(node, "templates refer to each other in a circle"));
        }
        let mut body = Vec::new();
        for child in node.children().filter(Node::is_element) {
            let name = child.attribute("name").unwrap_or_default().to_owned();
            let optional = child.attribute("presence") == Some("optional");
            match child.tag_name().name() {
                "typeRef" | "length" => {}
                "templateRef" => body.extend(self.referred(child, scope, depth)?),
                "group" => {
                    let inner = self.inner(child, scope);
                    let inside = self.body(child, &inner, depth + 1)?;
                    let pmap = inside.iter().any(Instruction::has_bit);
                    body.push(Instruction::Group { optional, body: inside, pmap });
                }
                "sequence" => {
                    let inner = self.inner(child, scope);
                    let length = self.length(child, &inner, optional)?;
                    let inside = self.body(child, &inner, depth + 1)?;
                    let pmap = inside.iter().any(Instruction::has_bit);
                    body.push(Instruction::Sequence { name, length, body: inside, pmap });
                }
                "decimal" => body.push(self.decimal(child, scope)?),
                _ => {
                    let kind = kind(child)?;
                    body.push(Instruction::Field(self.field(child, kind, optional, scope, "")?));
                }
            }
        }
        Ok(body)
    }

    fn inner(&self, node: Node<'_, '_>, scope: &Scope) -> Scope {
        Scope { template: scope.template.clone(), dictionary: dictionary(node, &scope.dictionary) }
    }

    fn referred(
        &mut self,
        node: Node<'d, 'd>,
        scope: &Scope,
        depth: usize,
    ) -> Result<Vec<Instruction>, TemplateError> {
        let name = node.attribute("name").ok_or_else(|| wrong(node, "dynamic: not supported"))?;
        let found = self.templates.iter().find(|template| template.attribute("name") == Some(name));
        let found = *found.ok_or_else(|| wrong(node, "no such template"))?;
        let scope =
            Scope { template: name.to_owned(), dictionary: dictionary(found, &scope.dictionary) };
        self.body(found, &scope, depth + 1)
    }

    fn length(
        &mut self,
        sequence: Node<'d, 'd>,
        scope: &Scope,
        optional: bool,
    ) -> Result<Field, TemplateError> {
        match sequence.children().find(|node| node.has_tag_name_any("length")) {
            Some(length) => self.field(length, Kind::UInt32, optional, scope, "#length"),
            None => {
                let name = sequence.attribute("name").unwrap_or_default();
                let slot = self.slot(&format!("{name}#length"), scope);
                let (kind, operator) = (Kind::UInt32, Operator::None);
                Ok(Field { name: name.to_owned(), kind, optional, operator, initial: None, slot })
            }
        }
    }

    fn decimal(&mut self, node: Node<'d, 'd>, scope: &Scope) -> Result<Instruction, TemplateError> {
        let optional = node.attribute("presence") == Some("optional");
        let part = |name| node.children().find(|child| child.has_tag_name_any(name));
        let (exponent, mantissa) = (part("exponent"), part("mantissa"));
        if exponent.is_none() && mantissa.is_none() {
            return Ok(Instruction::Field(self.field(node, Kind::Decimal, optional, scope, "")?));
        }
        let name = node.attribute("name").unwrap_or_default().to_owned();
        let mut make = |part: Option<Node<'d, 'd>>, kind, optional, end: &str| match part {
            Some(part) => self.field_of(part, node, kind, optional, scope, end),
            None => {
                let slot = self.slot(&format!("{name}{end}"), scope);
                let operator = Operator::None;
                Ok(Field { name: name.clone(), kind, optional, operator, initial: None, slot })
            }
        };
        let exponent = make(exponent, Kind::Int32, optional, "#exponent")?;
        let mantissa = make(mantissa, Kind::Int64, false, "#mantissa")?;
        Ok(Instruction::Parts { name, exponent, mantissa })
    }

    fn field(
        &mut self,
        node: Node<'d, 'd>,
        kind: Kind,
        optional: bool,
        scope: &Scope,
        end: &str,
    ) -> Result<Field, TemplateError> {
        self.field_of(node, node, kind, optional, scope, end)
    }

    /// The field of `node`, which takes its name from `named`.
    fn field_of(
        &mut self,
        node: Node<'d, 'd>,
        named: Node<'d, 'd>,
        kind: Kind,
        optional: bool,
        scope: &Scope,
        end: &str,
    ) -> Result<Field, TemplateError> {
        let name = named.attribute("name").unwrap_or_default().to_owned();
        let child = node.children().find(|child| child.is_element());
        let operator = match child.map(|child| child.tag_name().name().to_owned()).as_deref() {
            None => Operator::None,
            Some("constant") => Operator::Constant,
            Some("copy") => Operator::Copy,
            Some("default") => Operator::Default,
            Some("increment") => Operator::Increment,
            Some("delta") => Operator::Delta,
            Some("tail") => Operator::Tail,
            Some(_) => return Err(wrong(node, "an operator that FAST 1.1 does not have")),
        };
        let text = matches!(kind, Kind::Ascii | Kind::Vector);
        let fits = match operator {
            Operator::Tail => text,
            Operator::Increment => !text && kind != Kind::Decimal,
            _ => true,
        };
        if !fits {
            return Err(wrong(node, "an operator that the type cannot have"));
        }
        let value = child.and_then(|child| child.attribute("value"));
        let initial = value
            .map(|value| initial(kind, value).ok_or_else(|| wrong(node, "value does not fit")));
        let initial = initial.transpose()?;
        if operator == Operator::Constant && initial.is_none() {
            return Err(wrong(node, "a constant without a value"));
        }
        if operator == Operator::Default && initial.is_none() && !optional {
            return Err(wrong(node, "a mandatory default without a value"));
        }
        let mut own = scope.clone();
        let mut key = name.clone();
        if let Some(child) = child {
            own.dictionary = dictionary(child, &own.dictionary);
            key = child.attribute("key").unwrap_or(&key).to_owned();
        }
        if own.dictionary == "type" {
            return Err(wrong(node, "dictionary type: not supported"));
        }
        let slot = self.slot(&format!("{key}{end}"), &own);
        Ok(Field { name, kind, optional, operator, initial, slot })
    }

    fn slot(&mut self, key: &str, scope: &Scope) -> usize {
        let place = match scope.dictionary.as_str() {
            "template" => format!("template {} {key}", scope.template),
            dictionary => format!("in {dictionary} {key}"),
        };
        let next = self.known.len();
        *self.known.entry(place).or_insert(next)
    }
}

fn kind(node: Node<'_, '_>) -> Result<Kind, TemplateError> {
    Ok(match node.tag_name().name() {
        "uInt32" => Kind::UInt32,
        "uInt64" => Kind::UInt64,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "string" if node.attribute("charset") == Some("unicode") => Kind::Vector,
        "string" => Kind::Ascii,
        "byteVector" => Kind::Vector,
        _ => return Err(wrong(node, "an element that FAST 1.1 does not have")),
    })
}

fn initial(kind: Kind, text: &str) -> Option<Initial> {
    let within = |low: i128, high: i128| {
        let value: i128 = text.trim().parse().ok()?;
        (low..=high).contains(&value).then_some(Initial::Number(value))
    };
    match kind {
        Kind::UInt32 => within(0, u32::MAX.into()),
        Kind::UInt64 => within(0, u64::MAX.into()),
        Kind::Int32 => within(i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => within(i64::MIN.into(), i64::MAX.into()),
        Kind::Ascii | Kind::Vector => Some(Initial::Bytes(text.as_bytes().to_vec())),
        Kind::Decimal => {
            let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
            let mantissa: i64 = format!("{whole}{fraction}").parse().ok()?;
            let exponent = i32::try_from(fraction.len()).ok()?;
            // Trailing zeros belong to the exponent (specification 5.4.4: normalised).
            let (mut mantissa, mut exponent) = (mantissa, -exponent);
            while mantissa != 0 && mantissa % 10 == 0 {
                (mantissa, exponent) = (mantissa / 10, exponent + 1);
            }
            Some(Initial::Decimal(mantissa, exponent))
        }
    }
}
