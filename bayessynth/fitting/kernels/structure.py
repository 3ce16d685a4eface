"""From parameters to linear predictors and back: common terms, offsets and group-specific terms of all predictors.

Everything that differs between equations is in arrays, so that one compiled function serves all. ``predictors`` has a
row a linear predictor and ``terms`` a row a group-specific term, with these columns.
"""

from __future__ import annotations

import math

from numba import njit

# Columns of ``predictors``: first row of eta; places of the intercept (or -1) and the slopes among the constrained
# numbers; number of slopes; their first row in ``matrix``; row in ``offsets`` or -1.
ROW, INTERCEPT, SLOPES, P, MATRIX, OFFSET = range(6)
# Columns of ``terms``: predictor; row in ``index``; groups; effects; place of the standard deviations among the
# constrained numbers; of the raw effects and of the correlation (or -1) among all; first entry in ``columns_of``;
# centring (0 no, 1 around zero, 2 around the intercept and ``around``); first entry in ``around``.
OWNER, INDEX, GROUPS, Q, SDS, RAW, CORRELATION, COLUMNS, CENTRED, AROUND = range(10)


# Sums in any order compile to vector instructions; which order it is, is settled once and cached.
_summing = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})


@_summing
def total(values):
    """Return a sum."""
    found = 0.0
    for i in range(values.shape[0]):
        found += values[i]
    return found


@_summing
def dot(left, right):
    """Return a product of vectors."""
    found = 0.0
    for i in range(left.shape[0]):
        found += left[i] * right[i]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def sum_by_group(group, column, row, out):
    """Add the rows' values, times a column if there is one, to their groups' sums.

    A run of rows of one group is summed up before it is added: rows sorted by group need few additions to memory.
    """
    n, stop = group.shape[0], 0
    while stop < n:
        start, own = stop, group[stop]
        while stop < n and group[stop] == own:
            stop += 1
        if column.shape[0]:
            out[own] += dot(column[start:stop], row[start:stop])
        else:
            out[own] += total(row[start:stop])


@njit(cache=True, nogil=True, error_model="numpy")
def all_effects(x, theta, predictors, terms, around, factors, categories, z, effects):
    """Fill the standardised effects ``z`` and the effects of all terms."""
    for t in range(terms.shape[0]):
        _effects(x, theta, predictors[terms[t, OWNER]], terms[t], around, factors[t], categories, z, effects)


@njit(cache=True, nogil=True, error_model="numpy")
def predict(x, predictors, terms, matrix, offsets, index, columns, columns_of, categories, effects, start, eta):
    """Fill the linear predictors ``eta`` (P, m) of m rows from the ``start``-th on."""
    rows = slice(start, start + eta.shape[1])
    for k in range(predictors.shape[0]):
        own = predictors[k]
        for c in range(categories):
            row = eta[own[ROW] + c]
            row[:] = x[own[INTERCEPT] + c] if own[INTERCEPT] >= 0 else 0.0
            if own[OFFSET] >= 0:
                row += offsets[own[OFFSET], rows]
            for j in range(own[P]):
                _add(x[own[SLOPES] + j * categories + c], matrix[own[MATRIX] + j, rows], row)
    for t in range(terms.shape[0]):
        term = terms[t]
        q, group = term[Q], index[term[INDEX], rows]
        for c in range(categories):
            row = eta[predictors[term[OWNER], ROW] + c]
            for j in range(q):
                at, own_effects = columns_of[term[COLUMNS] + j], effects[term[RAW] + j * categories + c :]
                _add_effects(own_effects, q * categories, group, columns[at, rows] if at >= 0 else row[:0], row)


@njit(cache=True, nogil=True, error_model="numpy")
def _add(factor, values, row):
    for i in range(row.shape[0]):
        row[i] += factor * values[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_effects(effects, step, group, column, row):
    """Add the effect of every row's group, times a column if there is one; they stand ``step`` apart."""
    if column.shape[0]:
        for i in range(row.shape[0]):
            row[i] += effects[group[i] * step] * column[i]
    else:
        for i in range(row.shape[0]):
            row[i] += effects[group[i] * step]


@njit(cache=True, nogil=True, error_model="numpy")
def centre(x, own, term, around, g, c, categories):
    """Return what a group's first effect is sampled around."""
    if term[CENTRED] < 2:
        return 0.0
    value = x[own[INTERCEPT] + c] if own[INTERCEPT] >= 0 else 0.0
    for j in range(own[P]):
        value += around[term[AROUND] + g * own[P] + j] * x[own[SLOPES] + j * categories + c]
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def _effects(x, theta, own, term, around, factor, categories, z, effects):
    q = term[Q]
    for g in range(term[GROUPS]):
        first = term[RAW] + g * q * categories
        for c in range(categories):
            for j in range(q):
                z[first + j * categories + c] = theta[first + j * categories + c]
            if term[CENTRED]:
                z[first + c] = (theta[first + c] - centre(x, own, term, around, g, c, categories)) / x[term[SDS] + c]
            for j in range(q):
                if term[CORRELATION] >= 0:
                    total = 0.0
                    for k in range(j + 1):
                        total += factor[j, k] * z[first + k * categories + c]
                else:
                    total = z[first + j * categories + c]
                effects[first + j * categories + c] = total * x[term[SDS] + j * categories + c]


@njit(cache=True, nogil=True, error_model="numpy")
def log_effects(x, terms, categories, z):
    """Return the log density of the raw effects, up to a constant."""
    total = 0.0
    for t in range(terms.shape[0]):
        term = terms[t]
        square = 0.0
        for i in range(term[RAW], term[RAW] + term[GROUPS] * term[Q] * categories):
            square += z[i] * z[i]
        total -= 0.5 * square
        if term[CENTRED]:
            for c in range(categories):
                total -= term[GROUPS] * math.log(x[term[SDS] + c])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def collect(predictors, terms, matrix, index, columns, columns_of, categories, start, slope, own_grad, by_group):
    """Add the gradients (P, m) of m rows from the ``start``-th on to those in intercepts and slopes and in effects.

    The latter are added to ``by_group``, at the places of the raw effects.
    """
    rows = slice(start, start + slope.shape[1])
    for k in range(predictors.shape[0]):
        own = predictors[k]
        for c in range(categories):
            row = slope[own[ROW] + c]
            if own[INTERCEPT] >= 0:
                own_grad[own[INTERCEPT] + c] += total(row)
            for j in range(own[P]):
                own_grad[own[SLOPES] + j * categories + c] += dot(matrix[own[MATRIX] + j, rows], row)
    for t in range(terms.shape[0]):
        term = terms[t]
        q, group, first = term[Q], index[term[INDEX], rows], term[RAW]
        for c in range(categories):
            row = slope[predictors[term[OWNER], ROW] + c]
            for j in range(q):
                at = columns_of[term[COLUMNS] + j]
                sum_by_group(group, columns[at, rows] if at >= 0 else row[:0], row,
                             by_group[first + j * categories + c :: q * categories])  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def pull_effects(x, predictors, terms, around, factors, categories, z, by_group, own_grad, grad, slopes):
    """Carry the gradients in all terms' effects back to the parameters.

    Adds to ``own_grad`` those in the constrained numbers, to ``grad`` those in the raw effects (their prior's
    included), and fills ``slopes`` (terms, q, q) with those in the correlations' factors.
    """
    for t in range(terms.shape[0]):
        term = terms[t]
        _pull_effects(x, predictors[term[OWNER]], term, around, factors[t], categories, z, by_group, own_grad, grad,
                      slopes[t])  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _pull_effects(x, own, term, around, factor, categories, z, by_group, own_grad, grad, slope):
    """Carry the gradient in a term's effects to raw effects, standard deviations, correlation and centre."""
    q = term[Q]
    slope[:] = 0.0
    for g in range(term[GROUPS]):
        first = term[RAW] + g * q * categories
        for c in range(categories):
            for j in range(q):
                sd, inner = x[term[SDS] + j * categories + c], by_group[first + j * categories + c]
                if term[CORRELATION] >= 0:
                    total = 0.0
                    for k in range(j + 1):
                        zk = z[first + k * categories + c]
                        total += factor[j, k] * zk
                        slope[j, k] += inner * sd * zk
                        grad[first + k * categories + c] += inner * sd * factor[j, k]
                else:
                    total = z[first + j * categories + c]
                    grad[first + j * categories + c] += inner * sd
                own_grad[term[SDS] + j * categories + c] += inner * total
            for j in range(q):
                grad[first + j * categories + c] -= z[first + j * categories + c]
            if term[CENTRED]:
                sd = x[term[SDS] + c]
                own_grad[term[SDS] + c] -= grad[first + c] * z[first + c] / sd + 1.0 / sd
                grad[first + c] /= sd
                if term[CENTRED] == 2:
                    if own[INTERCEPT] >= 0:
                        own_grad[own[INTERCEPT] + c] -= grad[first + c]
                    for j in range(own[P]):
                        weight = around[term[AROUND] + g * own[P] + j]
                        own_grad[own[SLOPES] + j * categories + c] -= weight * grad[first + c]
