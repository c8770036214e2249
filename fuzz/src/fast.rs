//! STEP envelopes and FAST messages: errors, never a panic, and always an end.

use nofx_wire::fast::sse::TickFields;
use nofx_wire::fast::{Decoder, Templates};
use nofx_wire::step;

/// A template with each operator and type once.
const TEMPLATE: &str = r#"<templates><template name="t" id="1">
  <int64 name="BizIndex"><increment value="1"/></int64>
  <int32 name="Channel" presence="optional"><copy/></int32>
  <string name="SecurityID"><tail/></string>
  <int32 name="TickTime"><delta/></int32>
  <string name="Type" presence="optional"><delta/></string>
  <sequence name="rows"><uInt64 name="Qty"><default value="1"/></uInt64>
    <byteVector name="x" presence="optional"/></sequence>
  <group name="g" presence="optional"><decimal name="d"><delta/></decimal></group>
  <decimal name="e" presence="optional"><exponent><default value="-2"/></exponent>
    <mantissa><delta/></mantissa></decimal>
</template></templates>"#;

/// Bytes as a stream of envelopes, and as a stream of FAST messages.
pub fn fast(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((message, behind))) = step::next_message(rest) {
        assert!(behind.len() < rest.len());
        messages(message.raw);
        rest = behind;
    }
    messages(data);
}

fn messages(mut rest: &[u8]) {
    let Ok(templates) = Templates::parse(TEMPLATE) else { unreachable!("a sound template") };
    let mut decoder = Decoder::new(templates);
    let mut fields = TickFields::new(0, |tick| assert!(tick.price.0 >= 0));
    while !rest.is_empty() {
        let Ok(behind) = decoder.message(rest, &mut fields) else { return };
        assert!(behind.len() < rest.len(), "a message takes bytes");
        rest = behind;
    }
}
