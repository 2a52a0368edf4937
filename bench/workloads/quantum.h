/*
 * quantum.h -- the native kernel of workload quantum: gates on a register of 2^n complex amplitudes, twice.
 *
 * quantum_gate_pairs is what is measured: it goes over pairs of amplitudes whose numbers differ in the target's bit, so that
 * any range of pairs can be done by any thread, in place or from one array into another. quantum_gate_naive is what it is checked
 * against: column by column of the gate's matrix, as in a textbook, in C's own complex type; no line is common to both.
 * Neither knows objects, threads or strategies.
 */
#ifndef BENCH_WORKLOADS_QUANTUM_H
#define BENCH_WORKLOADS_QUANTUM_H

#include "../../rc/base.h"
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum quantum_kind { QUANTUM_H, QUANTUM_X, QUANTUM_Z, QUANTUM_PHASE, QUANTUM_CNOT };

/* On bit `target`; CNOT where bit `control` is set; PHASE multiplies the amplitudes that have the bit by e^(i angle). */
struct quantum_gate {
    enum quantum_kind kind;
    int target, control;
    double angle;
};

struct amplitude {
    double re, im;
};

/* The number of pair `i`'s member without the target's bit: a zero is put in there. */
INLINE size_t quantum_pair(size_t i, int target)
{
    size_t low = ((size_t)1 << target) - 1;
    return (i & ~low) << 1 | (i & low);
}

/* One pair: without the bit, with it. */
INLINE void quantum_gate_pair(const struct quantum_gate *g, bool controlled, double cosine, double sine, struct amplitude *zero,
                              struct amplitude *one)
{
    const double half = 0.70710678118654752440; /* 1/sqrt 2 */
    struct amplitude a = *zero, b = *one;
    switch (g->kind) {
    case QUANTUM_H:
        *zero = (struct amplitude){(a.re + b.re) * half, (a.im + b.im) * half};
        *one = (struct amplitude){(a.re - b.re) * half, (a.im - b.im) * half};
        return;
    case QUANTUM_CNOT:
        if (!controlled)
            return;
        /* fallthrough */
    case QUANTUM_X:
        *zero = b;
        *one = a;
        return;
    case QUANTUM_Z:
        *one = (struct amplitude){-b.re, -b.im};
        return;
    case QUANTUM_PHASE:
        *one = (struct amplitude){b.re * cosine - b.im * sine, b.re * sine + b.im * cosine};
        return;
    }
}

/* Pairs from … to - 1 of `in` after the gate to `out`, which may be `in`. */
static void quantum_gate_pairs(const struct quantum_gate *g, struct amplitude *out, const struct amplitude *in, size_t from, size_t to)
{
    size_t bit = (size_t)1 << g->target, control = g->kind == QUANTUM_CNOT ? (size_t)1 << g->control : 0;
    double cosine = cos(g->angle), sine = sin(g->angle);
    for (size_t i = from; i < to; i++) {
        size_t k = quantum_pair(i, g->target);
        struct amplitude zero = in[k], one = in[k | bit];
        quantum_gate_pair(g, (k & control) != 0, cosine, sine, &zero, &one);
        out[k] = zero;
        out[k | bit] = one;
    }
}

/* out = gate * in, both of 2^qubits. */
API void quantum_gate_naive(const struct quantum_gate *g, double complex *out, const double complex *in, int qubits)
{
    size_t states = (size_t)1 << qubits, t = (size_t)1 << g->target;
    for (size_t k = 0; k < states; k++)
        out[k] = 0;
    for (size_t k = 0; k < states; k++) {
        bool set = k & t;
        if (g->kind == QUANTUM_H) {
            out[k & ~t] += in[k] / sqrt(2);
            out[k | t] += (set ? -in[k] : in[k]) / sqrt(2);
        } else if (g->kind == QUANTUM_Z) {
            out[k] += set ? -in[k] : in[k];
        } else if (g->kind == QUANTUM_PHASE) {
            out[k] += set ? cexp(I * g->angle) * in[k] : in[k];
        } else {
            bool flips = g->kind == QUANTUM_X || k >> g->control & 1;
            out[flips ? k ^ t : k] += in[k];
        }
    }
}

/* The circuit of workload quantum, `depth` layers of it: gate `i` of layer `layer`. Every qubit is put into superposition, turned
 * by its own angle, entangled with the next one; X and Z at last. */
enum { QUANTUM_LAYER_GATES = 5 }; /* for each qubit */
INLINE struct quantum_gate quantum_circuit(int qubits, int layer, int i)
{
    int q = i % qubits;
    static const enum quantum_kind kind[QUANTUM_LAYER_GATES] = {QUANTUM_H, QUANTUM_PHASE, QUANTUM_CNOT, QUANTUM_Z, QUANTUM_X};
    struct quantum_gate g = {.kind = kind[i / qubits], .target = q, .control = (q + 1) % qubits, .angle = 0.1 + q + 0.37 * layer};
    if (g.kind == QUANTUM_CNOT && qubits == 1)
        g.kind = QUANTUM_X;
    return g;
}

#endif
