//! Reads that wait for the disk: so many at a time, whoever still waits for them.

use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Runs `work` where it may wait for the disk, as soon as one of `places` is free. The place is the
/// work's, not the caller's: when the caller hangs up it stays taken until the work has ended.
///
/// # Errors
/// The work ended without an answer.
pub async fn at_a_place<T: Send + 'static>(
    places: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let place = places.acquire().await.map_err(|e| Problem::internal(e.to_string()))?;
    let work = move || {
        let _place = place;
        work()
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::internal(format!("reading: {e}")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    static PLACES: Semaphore = Semaphore::const_new(1);

    #[tokio::test]
    async fn a_place_is_taken_until_the_work_ends_although_nobody_waits() {
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (end, ends) = channel::<()>();
        let work = move || {
            _ = begun.send(());
            _ = ends.recv();
        };
        let asked = tokio::spawn(at_a_place(&PLACES, work));
        begins.await.expect("it begins");
        asked.abort();
        assert!(asked.await.is_err_and(|e| e.is_cancelled()), "the caller hung up");
        assert_eq!(PLACES.available_permits(), 0, "the work goes on");
        end.send(()).expect("it ends");
        assert_eq!(at_a_place(&PLACES, || 7).await, Ok(7));
    }
}
