/*
 * Where each immediate's bits live: one list per layout, read by both the decoder and the encoder.
 * X(at, width, to): @width bits at bit @at of the word are bits @to.. of the immediate.
 */
#ifndef PX_FIELDS_H
#define PX_FIELDS_H

#define PX_IMM_S(X) X(7, 5, 0) X(25, 7, 5)
#define PX_IMM_B(X) X(8, 4, 1) X(25, 6, 5) X(7, 1, 11) X(31, 1, 12)
#define PX_IMM_U(X) X(12, 20, 12)
#define PX_IMM_J(X) X(21, 10, 1) X(20, 1, 11) X(12, 8, 12) X(31, 1, 20)
#define PX_IMM_FENCE(X) X(7, 5, 0) X(15, 17, 5)
#define PX_IMM_ECALLI(X) X(15, 17, 0) X(7, 3, 17)

#define PX_IMM_CIW(X) X(6, 1, 2) X(5, 1, 3) X(11, 2, 4) X(7, 4, 6)
#define PX_IMM_CL_W(X) X(6, 1, 2) X(10, 3, 3) X(5, 1, 6)
#define PX_IMM_CL_D(X) X(10, 3, 3) X(5, 2, 6)
#define PX_IMM_CI(X) X(2, 5, 0) X(12, 1, 5)
#define PX_IMM_CI_LUI(X) X(2, 5, 12) X(12, 1, 17)
#define PX_IMM_CI_16SP(X) X(6, 1, 4) X(2, 1, 5) X(5, 1, 6) X(3, 2, 7) X(12, 1, 9)
#define PX_IMM_CI_LWSP(X) X(4, 3, 2) X(12, 1, 5) X(2, 2, 6)
#define PX_IMM_CI_LDSP(X) X(5, 2, 3) X(12, 1, 5) X(2, 3, 6)
#define PX_IMM_CSS_W(X) X(9, 4, 2) X(7, 2, 6)
#define PX_IMM_CSS_D(X) X(10, 3, 3) X(7, 3, 6)
#define PX_IMM_CB(X) X(3, 2, 1) X(10, 2, 3) X(2, 1, 5) X(5, 2, 6) X(12, 1, 8)
#define PX_IMM_CJ(X)                                                                                         \
    X(3, 3, 1) X(11, 1, 4) X(2, 1, 5) X(7, 1, 6) X(6, 1, 7) X(9, 2, 8) X(8, 1, 10) X(12, 1, 11)

#define PX_FIELD_GATHER(at, width, to) | (((word >> (at)) & ((1u << (width)) - 1u)) << (to))
#define PX_FIELD_SCATTER(at, width, to) | (((imm >> (to)) & ((1u << (width)) - 1u)) << (at))
#define PX_FIELD_COVER(at, width, to) | (((1u << (width)) - 1u) << (to))

#endif
