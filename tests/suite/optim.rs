//! The optimisers against plain f64 ones, step by step; the guard; and what becomes of bad settings.

use crate::common;
use impasto::Error;
use impasto::error::Setting;
use impasto::gpu::{Gpu, GpuOptions, Shape, Tensor, Use};
use impasto::ops::case::{distance, numbers, to_f32};
use impasto::optim::{HostOptimizer, Method, Optimizer, Pairs, Problem};

/// Loss and gradient of `sum of c_i (x_i - t_i)^2 + (x_i - t_i)^4`, with c from 0.05 to 3: stretched,
/// and not quadratic. Near its bottom L-BFGS jumps by more than the guard lets pass, so comparisons end
/// before.
pub fn bowl(x: &[f64]) -> (f64, Vec<f64>) {
    let n = x.len() as f64;
    let terms = x.iter().zip(numbers(5, x.len())).enumerate().map(|(i, (x, target))| {
        let (c, d) = (0.05 + 3.0 * i as f64 / n, x - target);
        (c * d * d + d.powi(4), 2.0 * c * d + 4.0 * d.powi(3))
    });
    let (losses, gradient): (Vec<f64>, Vec<f64>) = terms.unzip();
    (losses.iter().sum(), gradient)
}

/// `n` numbers in one row.
fn row(n: usize) -> Shape {
    Shape::planar(1, 1, n as u32)
}

/// A problem whose losses and gradients the test computes and writes.
pub struct Bench {
    gpu: Gpu,
    problem: Problem,
    pub optimizer: Optimizer,
}

impl Bench {
    pub fn new(gpu: &Gpu, method: Method, start: &[f64]) -> Self {
        Self::of_shape(gpu, method, row(start.len()), start)
    }

    pub fn of_shape(gpu: &Gpu, method: Method, shape: Shape, start: &[f64]) -> Self {
        let tensor = |shape, what: &str| gpu.tensor(shape, Use::Optimizer, what).unwrap();
        let x = gpu.upload(shape, &to_f32(start), Use::Optimizer, "x").unwrap();
        let problem =
            Problem { x, gradient: tensor(shape, "gradient"), loss: tensor(Shape::scalar(), "loss") };
        let optimizer = Optimizer::new(gpu, method, &problem).unwrap();
        Self { gpu: gpu.clone(), problem, optimizer }
    }

    pub fn read(&self, tensor: &Tensor) -> Vec<f64> {
        self.gpu.read(tensor).unwrap().into_iter().map(f64::from).collect()
    }

    pub fn x(&self) -> Vec<f64> {
        self.read(&self.problem.x)
    }

    pub fn update(&self, loss: f64, gradient: &[f64]) {
        self.gpu.write(&self.problem.loss, &[loss as f32]);
        self.gpu.write(&self.problem.gradient, &to_f32(gradient));
        self.gpu.submit(&[&self.optimizer.update]).unwrap();
    }

    pub fn step(&self) -> f64 {
        let (loss, gradient) = bowl(&self.x());
        self.update(loss, &gradient);
        loss
    }

    pub fn restarts(&self) -> f64 {
        self.optimizer.guard().read(&self.gpu).unwrap().restarts.into()
    }
}

/// One f64 optimiser: takes x and its gradient, gives the next x.
pub type Step = Box<dyn FnMut(&[f64], &[f64]) -> Vec<f64>>;

fn adam(lr: f64) -> Step {
    let (mut m, mut v, mut t) = (vec![], vec![], 0);
    Box::new(move |x, g| {
        m.resize(x.len(), 0.0);
        v.resize(x.len(), 0.0);
        t += 1;
        let mut next = x.to_vec();
        for i in 0..x.len() {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            let (mean, square) = (m[i] / (1.0 - 0.9f64.powi(t)), v[i] / (1.0 - 0.999f64.powi(t)));
            next[i] -= lr * mean / (square.sqrt() + 1e-8);
        }
        next
    })
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn add(a: &mut [f64], k: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += k * b);
}

/// The two-loop recursion on vectors (Nocedal & Wright, algorithm 7.4), as PyTorch runs it; but without a
/// pair the steps along the gradient grow, each from the third on four times the one before, and none goes
/// further than a root mean square of 10.
pub fn lbfgs(lr: f64, history: usize) -> Step {
    let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = vec![];
    let mut before: Option<(Vec<f64>, Vec<f64>)> = None;
    let (mut gamma, mut descent, mut steps) = (1.0, 0.0, 0);
    Box::new(move |x, g| {
        descent = if steps == 1 { 1.0 } else { 4.0 * descent };
        steps += 1;
        match before.take() {
            None => descent = (1.0 / g.iter().map(|g| g.abs()).sum::<f64>()).min(1.0),
            Some((s, g_before)) => {
                let mut y = g.to_vec();
                add(&mut y, -1.0, &g_before);
                if dot(&s, &y) > 1e-10 {
                    gamma = dot(&s, &y) / dot(&y, &y);
                    pairs.push((s, y));
                    pairs.drain(..pairs.len().saturating_sub(history));
                }
            }
        }
        let mut q = g.to_vec();
        let mut a = vec![0.0; pairs.len()];
        for (i, (s, y)) in pairs.iter().enumerate().rev() {
            a[i] = dot(s, &q) / dot(s, y);
            add(&mut q, -a[i], y);
        }
        q.iter_mut().for_each(|q| *q *= if pairs.is_empty() { descent } else { gamma });
        for (i, (s, y)) in pairs.iter().enumerate() {
            let b = dot(y, &q) / dot(s, y);
            add(&mut q, a[i] - b, s);
        }
        let rms = lr * (dot(&q, &q) / q.len() as f64).sqrt();
        let length = lr * (10.0 / rms).min(1.0);
        let s: Vec<f64> = q.iter().map(|q| -length * q).collect();
        let mut next = x.to_vec();
        add(&mut next, 1.0, &s);
        before = Some((s, g.to_vec()));
        next
    })
}

/// Where both are after each of `steps` steps, as the largest distance on the way.
fn compare(gpu: &Gpu, method: Method, reference: &mut Step, n: usize, steps: usize) -> f64 {
    let mut x = numbers(9, n);
    let bench = Bench::new(gpu, method, &x);
    let mut worst: f64 = 0.0;
    for _ in 0..steps {
        bench.step();
        x = reference(&x, &bowl(&x).1);
        worst = worst.max(distance(&to_f32(&bench.x()), &x));
    }
    worst
}

/// The same in the host's memory.
fn compare_on_host(method: Method, pairs: Pairs, reference: &mut Step, n: usize, steps: usize) -> f64 {
    let mut x = numbers(9, n);
    let mut optimizer = HostOptimizer::new(method, row(n), &to_f32(&x), pairs).unwrap();
    let mut worst: f64 = 0.0;
    for _ in 0..steps {
        host_step(&mut optimizer);
        x = reference(&x, &bowl(&x).1);
        worst = worst.max(distance(optimizer.x(), &x));
    }
    worst
}

pub fn host_step(optimizer: &mut HostOptimizer) {
    let x: Vec<f64> = optimizer.x().iter().map(|x| f64::from(*x)).collect();
    let (loss, gradient) = bowl(&x);
    optimizer.update(loss as f32, to_f32(&gradient));
}

const SIZES: [usize; 12] = [1, 2, 3, 5, 17, 63, 64, 129, 257, 1021, 2053, 4099];

#[test]
fn adam_takes_the_steps_of_its_reference() {
    for n in SIZES {
        let error = compare(common::gpu(), Method::Adam { lr: 0.02, average: false }, &mut adam(0.02), n, 15);
        assert!(error < 1e-4, "{n} numbers: off by {error:.1e}");
    }
}

/// The mean of all pictures after an update, each weighing 0.99 of the one after it; a divergence
/// starts it anew.
#[test]
fn the_average_is_the_exponential_mean_of_the_pictures() {
    let bench = Bench::new(common::gpu(), Method::Adam { lr: 0.02, average: true }, &numbers(9, 63));
    let average = |bench: &Bench| bench.read(bench.optimizer.average().unwrap());
    let (mut sum, mut weight) = (vec![0.0; 63], 0.0);
    for k in 0..12 {
        if k == 6 {
            let before = average(&bench);
            bench.update(f64::NAN, &vec![0.0; 63]);
            assert_eq!(average(&bench), before);
            (sum, weight) = (vec![0.0; 63], 0.0);
        }
        bench.step();
        sum.iter_mut().zip(bench.x()).for_each(|(sum, x)| *sum = 0.99 * *sum + x);
        weight = 0.99 * weight + 1.0;
        let want: Vec<f64> = sum.iter().map(|sum| sum / weight).collect();
        assert!(distance(&to_f32(&average(&bench)), &want) < 1e-4, "update {k}");
    }
    assert!(distance(&to_f32(&average(&bench)), &bench.x()) > 1e-3, "the picture is not its average");
}

#[test]
fn lbfgs_takes_the_steps_of_its_reference() {
    for n in SIZES {
        for history in [1, 2, 5, 100] {
            let method = Method::Lbfgs { lr: 1.0, history, smoothing: 0.0 };
            let error = compare(common::gpu(), method, &mut lbfgs(1.0, history as usize), n, 8);
            assert!(error < 1e-3, "{n} numbers, history {history}: off by {error:.1e}");
        }
    }
}

#[test]
fn optimisers_on_the_host_take_the_same_steps() {
    // The last is several chunks of work long; rounding of f32 grows faster there.
    for (n, looser) in SIZES.map(|n| (n, 1.0)).into_iter().chain([(40_009, 10.0)]) {
        let method = Method::Adam { lr: 0.02, average: true };
        let error = compare_on_host(method, Pairs::Single, &mut adam(0.02), n, 15);
        assert!(error < 1e-4, "Adam, {n} numbers: off by {error:.1e}");
        for (history, pairs, bound) in
            [(2, Pairs::Single, 1e-3), (100, Pairs::Single, 1e-3), (5, Pairs::Half, 1e-2)]
        {
            let method = Method::Lbfgs { lr: 1.0, history, smoothing: 0.0 };
            let error = compare_on_host(method, pairs, &mut lbfgs(1.0, history as usize), n, 8);
            assert!(error < looser * bound, "{n} numbers, history {history}, {pairs:?}: off by {error:.1e}");
        }
    }
    let five = Method::Lbfgs { lr: 1.0, history: 5, smoothing: 0.0 };
    assert!(compare_on_host(five, Pairs::Single, &mut lbfgs(1.0, 4), 63, 9) > 1e-3, "a wrong one is seen");
}

/// On the host as on the device: what runs away is taken back, and a state goes on where it was taken.
#[test]
fn the_host_guards_and_remembers() {
    for method in METHODS.into_iter().chain([Method::Adam { lr: 0.02, average: true }]) {
        for pairs in [Pairs::Single, Pairs::Half] {
            let new = || HostOptimizer::new(method, row(63), &to_f32(&numbers(9, 63)), pairs).unwrap();
            let mut optimizer = new();
            assert!(optimizer.best().is_none());
            (0..8).for_each(|_| host_step(&mut optimizer));
            let mut other = new();
            assert!(other.restore(&optimizer.state()));
            (0..4).for_each(|_| [&mut optimizer, &mut other].into_iter().for_each(host_step));
            assert_eq!(optimizer.x(), other.x(), "{method:?} {pairs:?}");
            let best = optimizer.best().unwrap().to_vec();
            optimizer.update(f32::NAN, vec![f32::NAN; 63]);
            assert_eq!((optimizer.x(), optimizer.restarts()), (&best[..], 1));
            let mut fresh = HostOptimizer::new(method, row(best.len()), &best, pairs).unwrap();
            for _ in 0..3 {
                [&mut optimizer, &mut fresh].into_iter().for_each(host_step);
                assert_eq!(optimizer.x(), fresh.x(), "{method:?} {pairs:?}");
            }
            let of_another_size = HostOptimizer::new(method, row(5), &[0.0; 5], pairs).unwrap().state();
            assert!(!optimizer.restore(&of_another_size));
        }
    }
}

/// The comparison above would notice a wrong step length or a history that is one pair short.
#[test]
fn the_comparison_sees_wrong_optimisers() {
    let gpu = common::gpu();
    assert!(compare(gpu, Method::Adam { lr: 0.0201, average: false }, &mut adam(0.02), 63, 15) > 1e-4);
    let five = Method::Lbfgs { lr: 1.0, history: 5, smoothing: 0.0 };
    assert!(compare(gpu, five, &mut lbfgs(1.0, 4), 63, 9) > 1e-3);
}

/// On a device whose buffers hold two vectors, the history is spread over several.
#[test]
fn a_history_in_several_buffers_is_the_same_history() {
    let options = GpuOptions { paranoid: true, max_tensor_bytes: Some(1 << 15), ..Default::default() };
    let small = common::open(options);
    for history in [5, 6] {
        let method = Method::Lbfgs { lr: 1.0, history, smoothing: 0.0 };
        let error = compare(&small, method, &mut lbfgs(1.0, history as usize), 4099, 9);
        assert!(error < 1e-3, "history {history}: off by {error:.1e}");
    }
}

const METHODS: [Method; 2] =
    [Method::Adam { lr: 0.02, average: false }, Method::Lbfgs { lr: 1.0, history: 5, smoothing: 0.0 }];

#[test]
fn a_loss_that_runs_away_brings_the_best_picture_back() {
    for method in METHODS {
        for bad in [f64::NAN, f64::INFINITY, 1e30] {
            let start = numbers(9, 63);
            let bench = Bench::new(common::gpu(), method, &start);
            for _ in 0..5 {
                bench.step();
            }
            let best = bench.read(bench.optimizer.guard().best());
            bench.update(bad, &vec![bad; start.len()]);
            assert_eq!(bench.restarts(), 1.0, "{method:?} with {bad}");
            assert_eq!(bench.x(), best, "{method:?} with {bad}");
            // From there it goes on as a fresh optimiser would, the gradient of the bad step forgotten.
            let fresh = Bench::new(common::gpu(), method, &best);
            for _ in 0..3 {
                bench.step();
                fresh.step();
                assert_eq!(bench.x(), fresh.x(), "{method:?} with {bad}");
            }
        }
    }
}

#[test]
fn the_best_picture_is_kept_while_the_loss_climbs_a_little() {
    for method in METHODS {
        let bench = Bench::new(common::gpu(), method, &numbers(9, 63));
        let loss = bench.step();
        let best = bench.x();
        bench.update(loss / 2.0, &numbers(4, 63));
        bench.update(loss, &numbers(3, 63));
        assert_eq!(bench.restarts(), 0.0);
        assert_eq!(bench.read(bench.optimizer.guard().best()), best);
        assert_ne!(bench.x(), best);
    }
}

/// Where the curvature is negative the pair is left out; the step stays finite and goes downhill.
#[test]
fn pairs_of_negative_curvature_are_not_remembered() {
    let bench =
        Bench::new(common::gpu(), Method::Lbfgs { lr: 1.0, history: 5, smoothing: 0.0 }, &numbers(9, 63));
    for k in 0..6 {
        let x = bench.x();
        let hill: Vec<f64> = x.iter().map(|x| -0.02 * x).collect();
        bench.update(100.0 - f64::from(k), &hill);
        let moved: Vec<f64> = bench.x().iter().zip(&x).map(|(new, old)| new - old).collect();
        assert!(dot(&moved, &hill) < 0.0, "step {k} climbs");
    }
    assert_eq!(bench.restarts(), 0.0);
}

/// Loss and gradient of `sum of ((x_i / 10)^2 - 1)^2 / 1000`: a hill around 0, and gradients so small that steps
/// of their own length would get nowhere.
fn hilltop(x: &[f64]) -> (f64, Vec<f64>) {
    let above = |x: &f64| (x / 10.0).powi(2) - 1.0;
    let loss = x.iter().map(|x| above(x).powi(2) / 1e3).sum();
    (loss, x.iter().map(|x| 4.0 * above(x) * x / 1e5).collect())
}

/// As around a start from noise: no pair is kept there, and each step is four times the one before.
#[test]
fn lbfgs_finds_its_way_off_a_hilltop() {
    for n in [3, 63, 4099] {
        let method = Method::Lbfgs { lr: 1.0, history: 5, smoothing: 0.0 };
        let mut x: Vec<f64> = numbers(9, n).iter().map(|x| 0.5 * x).collect();
        let (at_first, _) = hilltop(&x);
        let bench = Bench::new(common::gpu(), method, &x);
        let mut host = HostOptimizer::new(method, row(x.len()), &to_f32(&x), Pairs::Single).unwrap();
        let mut reference = lbfgs(1.0, 5);
        for k in 0..60 {
            let (loss, gradient) = hilltop(&bench.x());
            bench.update(loss, &gradient);
            let on_host: Vec<f64> = host.x().iter().map(|x| f64::from(*x)).collect();
            let (loss, gradient) = hilltop(&on_host);
            host.update(loss as f32, to_f32(&gradient));
            x = reference(&x, &hilltop(&x).1);
            // Later paths part by their rounding, and all of them arrive.
            if k < 8 {
                let errors = [distance(&to_f32(&bench.x()), &x), distance(host.x(), &x)];
                assert!(errors.iter().all(|e| *e < 1e-3), "{n} numbers, step {k}: off by {errors:?}");
            }
        }
        let on_host = host.best().unwrap().iter().map(|x| f64::from(*x)).collect();
        for best in [bench.read(bench.optimizer.guard().best()), on_host] {
            let (loss, _) = hilltop(&best);
            assert!(loss < 0.01 * at_first, "{n} numbers: from {at_first} to {loss}");
        }
    }
}

/// A pair of hardly any curvature asks for a step of thousands of levels. It gets one of 10, and one of
/// a quarter of that after the loss has run away.
#[test]
fn no_step_of_lbfgs_reaches_further_than_it_may() {
    let method = Method::Lbfgs { lr: 1.0, history: 5, smoothing: 0.0 };
    let start = numbers(9, 4099);
    let bench = Bench::new(common::gpu(), method, &start);
    let mut host = HostOptimizer::new(method, row(start.len()), &to_f32(&start), Pairs::Single).unwrap();
    let slope = numbers(4, 4099);
    let flatter: Vec<f64> = slope.iter().map(|slope| slope * 0.99999).collect();
    let rms = |x: &[f64], y: &[f64]| {
        let moved: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        (dot(&moved, &moved) / moved.len() as f64).sqrt()
    };
    for (loss, reach) in [(1.0, 10.0), (1e30, 2.5)] {
        bench.update(loss, &slope);
        host.update(loss as f32, to_f32(&slope));
        if loss > 1.0 {
            bench.update(1.0, &slope);
            host.update(1.0, to_f32(&slope));
        }
        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let before = (bench.x(), wide(host.x()));
        bench.update(1.0, &flatter);
        host.update(1.0, to_f32(&flatter));
        for moved in [rms(&bench.x(), &before.0), rms(&wide(host.x()), &before.1)] {
            assert!((moved / reach - 1.0).abs() < 1e-3, "a step of {moved}, not {reach}");
        }
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (method, at_fault) in [
        (Method::Adam { lr: 0.0, average: false }, Setting::Lr),
        (Method::Adam { lr: f32::NAN, average: false }, Setting::Lr),
        (Method::Lbfgs { lr: -1.0, history: 5, smoothing: 0.0 }, Setting::Lr),
        (Method::Lbfgs { lr: 1.0, history: 0, smoothing: 0.0 }, Setting::History),
        (Method::Lbfgs { lr: 1.0, history: 257, smoothing: 0.0 }, Setting::History),
        (Method::Lbfgs { lr: 1.0, history: 5, smoothing: -0.1 }, Setting::Smoothing),
        (Method::Lbfgs { lr: 1.0, history: 5, smoothing: 1.0 }, Setting::Smoothing),
    ] {
        let Err(Error::Setting { setting, .. }) = method.check() else { panic!("{method:?}") };
        assert_eq!(setting, at_fault);
    }
}
