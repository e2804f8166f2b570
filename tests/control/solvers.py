"""OSQP and Clarabel on the steering's quadratic programs, beside the stack's own solver in one run.

    pip install osqp==1.1.3 clarabel==0.11.1 numpy scipy
    python tests/control/solvers.py

Times are the solvers' own (setup or update and solving, without Python's part of the call): OSQP keeps one workspace and
starts from its last answer, Clarabel is an interior-point method and starts anew. The residual is the greatest violation of
the conditions of Karush, Kuhn and Tucker, computed for all three by the same rule (`Problem::residual` in
`control/src/qp/mod.rs`).
"""
import json
import pathlib
import subprocess
import tempfile

import clarabel
import numpy as np
import osqp
from scipy import sparse

ROOT = pathlib.Path(__file__).resolve().parents[2]


def programs():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "programs.jsonl"
        command = ["cargo", "run", "--release", "--quiet", "-p", "auriga-evaluation", "--example", "steering_programs"]
        subprocess.run([*command, "--", str(path)], cwd=ROOT, check=True)
        # OSQP and Clarabel see every hundredth.
        return [json.loads(line) for line in path.read_text().splitlines()[::10]]


def bounds(program):
    change, n = np.array(program["change_most"]), len(program["gradient"])
    shift = np.zeros(n)
    shift[0] = program["previous"]
    lower = np.concatenate([np.full(n, program["least"]), shift - change])
    upper = np.concatenate([np.full(n, program["most"]), shift + change])
    return lower, upper


def residual(program, matrix, x, y):
    hessian, gradient = np.array(program["hessian"]), np.array(program["gradient"])
    lower, upper = bounds(program)
    scale = max(1.0, np.abs(gradient).max())
    value = matrix @ x
    stationarity = np.abs(hessian @ x + gradient + matrix.T @ y).max() / scale
    feasibility = max(0.0, (lower - value).max(), (value - upper).max())
    slack = np.where(y > 0, upper - value, value - lower)
    return max(stationarity, feasibility, np.abs(y * slack).max() / scale)


def show(name, times, residuals, failed):
    times, residuals = np.sort(times), np.sort(residuals)
    print(f"{name:<28}{len(times):>8}{np.percentile(times, 50):>10.1f}{np.percentile(times, 99):>10.1f}{times[-1]:>10.1f}"
          f"{np.percentile(residuals, 50):>12.1e}{residuals[-1]:>12.1e}{failed:>8}")


def with_osqp(problems, matrix, tolerance):
    times, residuals, failed, solver = [], [], 0, osqp.OSQP()
    for k, program in enumerate(problems):
        hessian = sparse.csc_matrix(np.triu(np.ones_like(program["hessian"])))
        upper_triangle = np.triu(program["hessian"])
        # Column by column, zeros kept: the structure stays the same.
        values = upper_triangle.T[np.tril_indices(len(upper_triangle))]
        hessian.data[:] = values
        lower, upper = bounds(program)
        gradient = np.array(program["gradient"])
        if k == 0:
            solver.setup(hessian, gradient, matrix, lower, upper, verbose=False, eps_abs=tolerance, eps_rel=tolerance,
                         max_iter=20000, warm_starting=True)
            update = 0.0
        else:
            solver.update(Px=values, q=gradient, l=lower, u=upper)
            update = None
        result = solver.solve()
        info = result.info
        times.append(1e6 * (info.solve_time + (info.update_time if update is None else 0.0)))
        if info.status_val == 1:
            residuals.append(residual(program, matrix, result.x, result.y))
        else:
            failed += 1
    show(f"OSQP, warm, {tolerance:.0e}", times, residuals, failed)


def with_clarabel(problems, matrix):
    times, residuals, failed = [], [], 0
    both = sparse.csc_matrix(sparse.vstack([matrix, -matrix]))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    rows = matrix.shape[0]
    for program in problems:
        lower, upper = bounds(program)
        hessian = sparse.csc_matrix(np.triu(program["hessian"]))
        cones = [clarabel.NonnegativeConeT(2 * rows)]
        solver = clarabel.DefaultSolver(hessian, np.array(program["gradient"]), both, np.concatenate([upper, -lower]),
                                        cones, settings)
        solution = solver.solve()
        times.append(1e6 * solution.solve_time)
        if str(solution.status) == "Solved":
            z = np.array(solution.z)
            residuals.append(residual(program, matrix, np.array(solution.x), z[:rows] - z[rows:]))
        else:
            failed += 1
    show("Clarabel", times, residuals, failed)


def main():
    problems = programs()
    n = len(problems[0]["gradient"])
    matrix = sparse.csc_matrix(np.vstack([np.eye(n), np.eye(n) - np.eye(n, k=-1)]))
    with_osqp(problems, matrix, 1e-3)
    with_osqp(problems, matrix, 1e-8)
    with_clarabel(problems, matrix)


if __name__ == "__main__":
    main()
