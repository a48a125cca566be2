//! Asks the server for the content of a page.

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

/// Header that asks for a page's content without the frame around it.
const PART: &str = "x-dumont-part";

/// The status and the content; `Err` when the server was not reached.
pub(crate) async fn part(address: &str) -> Result<(u16, String), JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let headers = Headers::new()?;
    headers.set(PART, "1")?;
    let wanted = RequestInit::new();
    wanted.set_headers(&headers);
    let answer = JsFuture::from(window.fetch_with_str_and_init(address, &wanted)).await?;
    let answer: Response = answer.dyn_into()?;
    let text = JsFuture::from(answer.text()?).await?;
    Ok((answer.status(), text.as_string().unwrap_or_default()))
}
