//! Waiting for the device, which is the one thing that a browser does differently.
//!
//! Elsewhere a thread waits: it polls the device until a future is done or a callback has run. In a browser nothing can be
//! polled, and callbacks run only while no WebAssembly does. There [`block_on`] suspends the WebAssembly stack until a promise
//! is resolved (JavaScript Promise Integration), so that no function of this library is asynchronous. The call from
//! JavaScript at the bottom of the stack must be to a function with `#[wasm_bindgen(jspi)]`, and one stack at a time may be
//! suspended.

use super::Gpu;
use crate::error::Result;

#[cfg(not(target_arch = "wasm32"))]
pub(super) use pollster::block_on;

#[cfg(target_arch = "wasm32")]
pub(super) use web::block_on;

/// A value that a callback of the device sends.
#[derive(Debug)]
pub(super) struct Pending<T>(Receiver<T>);

#[cfg(not(target_arch = "wasm32"))]
use std::sync::mpsc::{Receiver, Sender};

#[cfg(target_arch = "wasm32")]
use futures_channel::oneshot::{Receiver, Sender};

/// The callback to hand to wgpu, and what it will send.
#[cfg(not(target_arch = "wasm32"))]
fn channel<T>() -> (Sender<T>, Receiver<T>) {
    std::sync::mpsc::channel()
}

#[cfg(target_arch = "wasm32")]
use futures_channel::oneshot::channel;

impl<T> Pending<T> {
    /// The value that `start`'s callback is called with. `start` must not wait.
    pub(super) fn of(start: impl FnOnce(Callback<T>)) -> Self {
        let (sender, receiver) = channel();
        start(Callback(sender));
        Self(receiver)
    }
}

/// Sends its value to a [`Pending`].
pub(super) struct Callback<T>(Sender<T>);

impl<T> Callback<T> {
    /// Sends the value. Whoever waited for it may be gone.
    pub(super) fn call(self, value: T) {
        let _ = self.0.send(value);
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<T> Pending<T> {
    /// Waits for the value, and not for later submissions. `None` if the callback was dropped.
    pub(super) fn wait(self, gpu: &Gpu) -> Result<Option<T>> {
        use std::sync::mpsc::TryRecvError;
        loop {
            match self.0.try_recv() {
                Ok(value) => return Ok(Some(value)),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => gpu.poll()?,
            }
            // Waiting for the device would wait for every submission, including the latest.
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl<T> Pending<T> {
    /// Waits for the value, and not for later submissions. `None` if the callback was dropped.
    pub(super) fn wait(self, _: &Gpu) -> Result<Option<T>> {
        Ok(block_on(self.0).ok())
    }
}

#[cfg(target_arch = "wasm32")]
mod web {
    use std::cell::RefCell;
    use std::future::Future;
    use std::pin::Pin;
    use std::rc::Rc;

    use wasm_bindgen::JsValue;

    /// The output of a future. Suspends the WebAssembly stack until it is done.
    pub fn block_on<F: Future>(future: F) -> F::Output {
        let output: Rc<RefCell<Option<F::Output>>> = Rc::default();
        let filled = output.clone();
        let work: Pin<Box<dyn Future<Output = ()> + '_>> =
            Box::pin(async move { *filled.borrow_mut() = Some(future.await) });
        // SAFETY: this function returns only after the promise is resolved, thus after the future is done and dropped, so
        // that it outlives none of what it borrows. A panic aborts.
        let work: Pin<Box<dyn Future<Output = ()> + 'static>> = unsafe { std::mem::transmute(work) };
        let promise = js_sys::futures::future_to_promise(async move {
            work.await;
            Ok(JsValue::UNDEFINED)
        });
        // Experimental, which js-sys says by calling it deprecated.
        #[allow(deprecated)]
        js_sys::futures::jspi_block_on_promise(&promise).expect("the promise of a future that cannot fail");
        output.take().expect("the output of a future that is done")
    }
}
