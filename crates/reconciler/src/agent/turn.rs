//! One turn of one Application.

use super::context::Context;
use super::queue::{AppName, Turn};

/// Does what there is to do for an Application now. Interests are registered before anything is looked at, so that no
/// change between looking and registering is lost.
pub(super) async fn run(context: &Context, name: &AppName) -> Turn {
    let Some(_app) = context.apps.get(name) else {
        context.index().remove(name);
        return Turn::Done(None);
    };
    let _ = context.now();
    Turn::Done(Some(context.resync))
}
