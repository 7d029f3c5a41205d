//! Timing: runs recordings with a timestamp before and after every command.

use web_time::Instant;

use serde::{Deserialize, Serialize};

use super::recording::{self, Command};
use super::{Gpu, PassKind, Recording, Work, readback};
use crate::error::{Error, Result};

/// The clock that times commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Timestamps that the device writes.
    Timestamps,
    /// The wall clock of the CPU. Every command is submitted alone and waited for, so each time includes the latency of a
    /// submission.
    Wall,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Clock::Timestamps => "timestamps",
            Clock::Wall => "wall clock",
        })
    }
}

/// One command as it ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// The pass that its recording is.
    pub pass: PassKind,
    /// The layer or step; a copy has that of the dispatch that it is made for, the next one.
    pub label: String,
    /// The kernel's path under `shaders/`, or `copy/buffer` or `copy/texture`.
    pub kernel: &'static str,
    /// Workgroups in x, y and z; zeros for a copy.
    pub groups: [u32; 3],
    /// Whether its arithmetic is that of the matrix units.
    pub on_matrix_units: bool,
    /// Its work, computed from its sizes.
    pub work: Work,
    /// Seconds from the beginning of the first command to that of this one.
    pub start: f64,
    /// Duration in seconds.
    pub seconds: f64,
}

/// Beginning and end in seconds.
type Span = (f64, f64);

impl Gpu {
    /// The clock of [`timed`](Self::timed) on this device.
    pub fn clock(&self) -> Clock {
        let has = self.has(wgpu::Features::TIMESTAMP_QUERY);
        if has { Clock::Timestamps } else { Clock::Wall }
    }

    /// Runs recordings, one after the other, waits for them, and returns the timing of each command, in order. Each dispatch
    /// is a pass of its own, since some devices support timestamps only around passes; where copies cannot be timed, they
    /// get the gap between their neighbours.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn timed(&self, recordings: &[&Recording]) -> Result<Vec<Timing>> {
        let all = || recordings.iter().flat_map(|recording| recording.commands());
        let commands: Vec<&Command> = all().collect();
        recording::compile(self, &commands)?;
        let spans = match self.clock() {
            _ if commands.is_empty() => vec![],
            Clock::Timestamps => self.stamped(&commands)?,
            Clock::Wall => self.one_by_one(&commands)?,
        };
        let mut spans = spans.into_iter();
        let mut timings = vec![];
        for recording in recordings {
            for (i, (command, span)) in recording.commands().iter().zip(&mut spans).enumerate() {
                timings.push(describe(recording, command, i, span));
            }
        }
        Ok(timings)
    }

    /// Times with timestamps, in one submission.
    fn stamped(&self, commands: &[&Command]) -> Result<Vec<Span>> {
        let copies_too = self.has(wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS);
        let stamped = |command: &Command| copies_too || command.dispatch().is_some();
        let count = commands.iter().filter(|command| stamped(command)).count();
        let queries = Queries::new(self, 2 * count as u32)?;
        let mut next = 0;
        let ticks = queries.run(self, |encoder| {
            for command in commands {
                if command.dispatch().is_some() {
                    command.encode(encoder, Some(queries.around_pass(next)));
                } else if copies_too {
                    queries.write(encoder, next);
                    command.encode(encoder, None);
                    queries.write(encoder, next + 1);
                } else {
                    command.encode(encoder, None);
                    continue;
                }
                next += 2;
            }
        })?;
        let tick = f64::from(self.queue().get_timestamp_period()) * 1e-9;
        let first = ticks.iter().copied().min().unwrap_or(0);
        let seconds = |ticks: u64| ticks.saturating_sub(first) as f64 * tick;
        let mut pairs = ticks.chunks_exact(2).map(|pair| (seconds(pair[0]), seconds(pair[1])));
        let spans: Vec<Option<Span>> =
            commands.iter().map(|command| if stamped(command) { pairs.next() } else { None }).collect();
        let bytes: Vec<f64> = commands.iter().map(|command| command.work().bytes).collect();
        Ok(fill_gaps(&spans, &bytes))
    }

    fn one_by_one(&self, commands: &[&Command]) -> Result<Vec<Span>> {
        self.wait()?;
        let origin = Instant::now();
        let mut spans = vec![];
        for command in commands {
            let start = origin.elapsed().as_secs_f64();
            self.submit_encoded(|encoder| command.encode(encoder, None))?;
            self.wait()?;
            spans.push((start, origin.elapsed().as_secs_f64()));
        }
        Ok(spans)
    }
}

fn describe(recording: &Recording, command: &Command, index: usize, (start, end): Span) -> Timing {
    let next = recording.commands()[index..].iter().find_map(Command::dispatch);
    let (kernel, groups) = match command {
        Command::Dispatch(dispatch) => (dispatch.kernel.name(), dispatch.groups),
        Command::Copy { .. } => ("copy/buffer", [0; 3]),
        Command::Upload { .. } => ("copy/texture", [0; 3]),
    };
    Timing {
        pass: recording.pass(),
        label: next.map_or_else(String::new, |dispatch| dispatch.label.clone()),
        kernel,
        groups,
        on_matrix_units: command.dispatch().is_some_and(|dispatch| dispatch.kernel.multiplies_matrices()),
        work: command.work(),
        start,
        seconds: (end - start).max(0.0),
    }
}

/// Commands without timestamps get the time between their neighbours', divided in proportion to their bytes. Without a
/// neighbour on either side their time is unknown, and is 0.
fn fill_gaps(spans: &[Option<Span>], bytes: &[f64]) -> Vec<Span> {
    let mut filled = vec![];
    while filled.len() < spans.len() {
        let first = filled.len();
        if let Some(span) = spans[first] {
            filled.push(span);
            continue;
        }
        let count = spans[first..].iter().take_while(|span| span.is_none()).count();
        let before = filled.last().map(|span: &Span| span.1);
        let after = spans.get(first + count).copied().flatten().map(|span| span.0);
        let mut start = before.or(after).unwrap_or(0.0);
        let gap = (after.unwrap_or(start) - start).max(0.0);
        let all: f64 = bytes[first..first + count].iter().sum();
        for part in &bytes[first..first + count] {
            let end = start + gap * part / all.max(1.0);
            filled.push((start, end));
            start = end;
        }
    }
    filled
}

/// The query sets for this number of timestamps. A set has an even number, so that both timestamps of a command are in the
/// same set.
struct Queries {
    sets: Vec<wgpu::QuerySet>,
    count: u32,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

impl Queries {
    const IN_A_SET: u32 = wgpu::QUERY_SET_MAX_QUERIES;

    fn new(gpu: &Gpu, count: u32) -> Result<Self> {
        let bytes = u64::from(count) * u64::from(wgpu::QUERY_SIZE);
        gpu.scoped("timestamp queries", |device| {
            let set = |first: u32| {
                device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("timestamps"),
                    ty: wgpu::QueryType::Timestamp,
                    count: Self::IN_A_SET.min(count - first),
                })
            };
            let buffer = |usage| {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("timestamps"),
                    size: bytes,
                    usage,
                    mapped_at_creation: false,
                })
            };
            Self {
                sets: (0..count).step_by(Self::IN_A_SET as usize).map(set).collect(),
                count,
                resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
                staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
            }
        })
    }

    fn place(&self, query: u32) -> (&wgpu::QuerySet, u32) {
        (&self.sets[(query / Self::IN_A_SET) as usize], query % Self::IN_A_SET)
    }

    /// The timestamps of a pass: `query` at its beginning, the next one at its end.
    fn around_pass(&self, query: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        let (query_set, index) = self.place(query);
        wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(index),
            end_of_pass_write_index: Some(index + 1),
        }
    }

    fn write(&self, encoder: &mut wgpu::CommandEncoder, query: u32) {
        let (set, index) = self.place(query);
        encoder.write_timestamp(set, index);
    }

    /// Submits what `encode` encodes, waits for it, and reads every timestamp, in ticks.
    fn run(&self, gpu: &Gpu, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Vec<u64>> {
        gpu.submit_encoded(|encoder| {
            encode(encoder);
            for (i, set) in self.sets.iter().enumerate() {
                let first = i as u32 * Self::IN_A_SET;
                let offset = u64::from(first) * u64::from(wgpu::QUERY_SIZE);
                let count = Self::IN_A_SET.min(self.count - first);
                encoder.resolve_query_set(set, 0..count, &self.resolved, offset);
            }
            encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, self.staging.size());
        })?;
        let ticks = readback::read_staging(gpu, &self.staging)?;
        if ticks.len() != self.count as usize {
            return Err(Error::gpu("timestamps", "the device wrote fewer than it was asked for"));
        }
        Ok(ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_without_timestamps_share_the_gap_by_their_bytes() {
        let spans = [None, Some((1.0, 2.0)), None, None, Some((5.0, 6.0)), None];
        let bytes = [9.0, 0.0, 2.0, 1.0, 0.0, 9.0];
        let filled = fill_gaps(&spans, &bytes);
        assert_eq!(filled[0], (1.0, 1.0));
        assert_eq!(filled[2], (2.0, 4.0));
        assert_eq!(filled[3], (4.0, 5.0));
        assert_eq!(filled[5], (6.0, 6.0));
        assert_eq!(filled.len(), spans.len());
    }

    #[test]
    fn overlapping_passes_leave_no_negative_time() {
        let filled = fill_gaps(&[Some((0.0, 3.0)), None, Some((2.0, 4.0))], &[0.0, 8.0, 0.0]);
        assert_eq!(filled[1], (3.0, 3.0));
    }
}
