/*
 * What instructions do, as the handlers of loop.c put it together: OP_X(i, a, b) does instruction X of cell ip[i], whose
 * source registers hold a and b, and leaves what it wrote to rd in `r`. Included by loop.c alone, whose locals these use.
 */
#ifndef PX_FUSED_OPS_H
#define PX_FUSED_OPS_H

#define RARELY(condition) __builtin_expect((condition), 0)

#define IMM(i) ((uint64_t)(int64_t)ip[i].op.imm)
#define SIGNED(v) ((int64_t)(v))
#define LOW(v) ((uint32_t)(v))
#define SIGNED_LOW(v) ((int32_t)(uint32_t)(v))
#define EXTEND(v) ((uint64_t)(int64_t)SIGNED_LOW(v))

/* `e` is read before rd changes; r may be one of the operands. */
#define VALUE(i, e)                                                                                          \
    do {                                                                                                     \
        uint64_t value_ = (e);                                                                               \
        x[ip[i].op.rd] = value_;                                                                             \
        r = value_;                                                                                          \
    } while (0);

/* Control. */

#define DISPATCH() goto * ip->op.go

#define GO_ON(n)                                                                                             \
    do {                                                                                                     \
        ip += (n);                                                                                           \
        DISPATCH();                                                                                          \
    } while (0)

/* Into the block whose head is at @to; the instruction that goes there is at ip[i]. */
#define ENTER(i, to)                                                                                         \
    do {                                                                                                     \
        const union fused_cell *to_ = (to);                                                                  \
        if (RARELY(gas <= to_[0].gate.limit)) {                                                              \
            ip += (i);                                                                                       \
            head = to_;                                                                                      \
            goto gate;                                                                                       \
        }                                                                                                    \
        gas -= to_[0].gate.need;                                                                             \
        begun += to_[1].block.count;                                                                         \
        ip = to_ + FUSED_HEAD;                                                                               \
        DISPATCH();                                                                                          \
    } while (0)

#define TARGET(i) (ip + (i) + ip[i].op.imm)
#define BEHIND(i) (ip + (i) + 1)
#define LINK(i) ((uint64_t)PX_CODE_BASE + BEHIND(i)[1].block.pc)
#define PC(i) (m->unit->places[ip + (i) - m->unit->cells].pc)

#define BRANCH(i, condition)                                                                                 \
    do {                                                                                                     \
        if (condition)                                                                                       \
            ENTER(i, TARGET(i));                                                                             \
        ENTER(i, BEHIND(i));                                                                                 \
    } while (0);

#define EXIT(i, exit_, arg_)                                                                                 \
    do {                                                                                                     \
        ip += (i);                                                                                           \
        m->exit = (exit_);                                                                                   \
        m->arg = (arg_);                                                                                     \
        goto leave;                                                                                          \
    } while (0);

/* Memory. An access that its page's state does not grant, or that is misaligned, takes the slow way first. */

#define ACCESS(i, address, width, right)                                                                     \
    uint32_t at_ = LOW(address) + LOW(ip[i].op.imm);                                                         \
    if (RARELY(!(window[(ptrdiff_t)(at_ >> PX_PAGE_BITS) - FUSED_STATES_BELOW] & (right)) ||                 \
               (at_ & ((width) - 1)) != 0)) {                                                                \
        m->gas = gas;                                                                                        \
        if (!access(m, at_, width, (right) == FUSED_CAN_WRITE)) {                                            \
            ip += (i);                                                                                       \
            goto fault;                                                                                      \
        }                                                                                                    \
        gas = m->gas;                                                                                        \
    }

#define LOAD(i, address, type, cast)                                                                         \
    do {                                                                                                     \
        ACCESS(i, address, sizeof(type), FUSED_CAN_READ)                                                     \
        type loaded_;                                                                                        \
        memcpy(&loaded_, window + at_, sizeof loaded_);                                                      \
        r = (uint64_t)(cast)loaded_;                                                                         \
        x[ip[i].op.rd] = r;                                                                                  \
    } while (0);

#define STORE(i, address, type, value)                                                                       \
    do {                                                                                                     \
        type stored_ = (type)(value);                                                                        \
        ACCESS(i, address, sizeof(type), FUSED_CAN_WRITE)                                                    \
        memcpy(window + at_, &stored_, sizeof stored_);                                                      \
    } while (0);

#define OP_LB(i, a, b) LOAD(i, a, int8_t, int64_t)
#define OP_LH(i, a, b) LOAD(i, a, int16_t, int64_t)
#define OP_LW(i, a, b) LOAD(i, a, int32_t, int64_t)
#define OP_LD(i, a, b) LOAD(i, a, uint64_t, uint64_t)
#define OP_LBU(i, a, b) LOAD(i, a, uint8_t, uint64_t)
#define OP_LHU(i, a, b) LOAD(i, a, uint16_t, uint64_t)
#define OP_LWU(i, a, b) LOAD(i, a, uint32_t, uint64_t)
#define OP_SB(i, a, b) STORE(i, a, uint8_t, b)
#define OP_SH(i, a, b) STORE(i, a, uint16_t, b)
#define OP_SW(i, a, b) STORE(i, a, uint32_t, b)
#define OP_SD(i, a, b) STORE(i, a, uint64_t, b)

/* I: what has no effect is not translated at all. */

#define OP_FENCE(i, a, b)
#define OP_FENCE_I(i, a, b)
#define OP_LI(i, a, b) VALUE(i, IMM(i))
#define OP_MV(i, a, b) VALUE(i, a)
#define OP_LUI(i, a, b) OP_LI(i, a, b)
#define OP_AUIPC(i, a, b) VALUE(i, (uint64_t)PX_CODE_BASE + PC(i) + IMM(i))
#define OP_ADDI(i, a, b) VALUE(i, (a) + IMM(i))
#define OP_SLTI(i, a, b) VALUE(i, SIGNED(a) < ip[i].op.imm)
#define OP_SLTIU(i, a, b) VALUE(i, (a) < IMM(i))
#define OP_XORI(i, a, b) VALUE(i, (a) ^ IMM(i))
#define OP_ORI(i, a, b) VALUE(i, (a) | IMM(i))
#define OP_ANDI(i, a, b) VALUE(i, (a) & IMM(i))
#define OP_SLLI(i, a, b) VALUE(i, (a) << (ip[i].op.imm & 63))
#define OP_SRLI(i, a, b) VALUE(i, (a) >> (ip[i].op.imm & 63))
#define OP_SRAI(i, a, b) VALUE(i, (uint64_t)(SIGNED(a) >> (ip[i].op.imm & 63)))
#define OP_ADDIW(i, a, b) VALUE(i, EXTEND(LOW(a) + LOW(ip[i].op.imm)))
#define OP_SLLIW(i, a, b) VALUE(i, EXTEND(LOW(a) << (ip[i].op.imm & 31)))
#define OP_SRLIW(i, a, b) VALUE(i, EXTEND(LOW(a) >> (ip[i].op.imm & 31)))
#define OP_SRAIW(i, a, b) VALUE(i, (uint64_t)(int64_t)(SIGNED_LOW(a) >> (ip[i].op.imm & 31)))
#define OP_ADD(i, a, b) VALUE(i, (a) + (b))
#define OP_SUB(i, a, b) VALUE(i, (a) - (b))
#define OP_SLT(i, a, b) VALUE(i, SIGNED(a) < SIGNED(b))
#define OP_SLTU(i, a, b) VALUE(i, (a) < (b))
#define OP_XOR(i, a, b) VALUE(i, (a) ^ (b))
#define OP_OR(i, a, b) VALUE(i, (a) | (b))
#define OP_AND(i, a, b) VALUE(i, (a) & (b))
#define OP_SLL(i, a, b) VALUE(i, (a) << ((b) & 63))
#define OP_SRL(i, a, b) VALUE(i, (a) >> ((b) & 63))
#define OP_SRA(i, a, b) VALUE(i, (uint64_t)(SIGNED(a) >> ((b) & 63)))
#define OP_ADDW(i, a, b) VALUE(i, EXTEND(LOW(a) + LOW(b)))
#define OP_SUBW(i, a, b) VALUE(i, EXTEND(LOW(a) - LOW(b)))
#define OP_SLLW(i, a, b) VALUE(i, EXTEND(LOW(a) << ((b) & 31)))
#define OP_SRLW(i, a, b) VALUE(i, EXTEND(LOW(a) >> ((b) & 31)))
#define OP_SRAW(i, a, b) VALUE(i, (uint64_t)(int64_t)(SIGNED_LOW(a) >> ((b) & 31)))

/* M */

#define OP_MUL(i, a, b) VALUE(i, (a) * (b))
#define OP_MULW(i, a, b) VALUE(i, EXTEND(LOW(a) * LOW(b)))
#define OP_MULH(i, a, b) VALUE(i, (uint64_t)(((__int128)SIGNED(a) * SIGNED(b)) >> 64))
#define OP_MULHU(i, a, b) VALUE(i, (uint64_t)(((unsigned __int128)(a) * (b)) >> 64))
#define OP_MULHSU(i, a, b)                                                                                   \
    VALUE(i, (uint64_t)(((__int128)SIGNED(a) * (__int128)(unsigned __int128)(b)) >> 64))
#define OP_DIV(i, a, b) VALUE(i, divide(a, b))
#define OP_REM(i, a, b) VALUE(i, remainder_of(a, b))
#define OP_DIVU(i, a, b) VALUE(i, (b) == 0 ? ~(uint64_t)0 : (a) / (b))
#define OP_REMU(i, a, b) VALUE(i, (b) == 0 ? (a) : (a) % (b))
/* In 64 bits the quotient of -2^31 and -1 is none but itself, and its low half is what it should be. */
#define OP_DIVW(i, a, b) VALUE(i, EXTEND(divide(EXTEND(a), EXTEND(b))))
#define OP_REMW(i, a, b) VALUE(i, EXTEND(remainder_of(EXTEND(a), EXTEND(b))))
#define OP_DIVUW(i, a, b) VALUE(i, LOW(b) == 0 ? ~(uint64_t)0 : EXTEND(LOW(a) / LOW(b)))
#define OP_REMUW(i, a, b) VALUE(i, EXTEND(LOW(b) == 0 ? LOW(a) : LOW(a) % LOW(b)))

/* Zba, Zbb, Zbs, Zicond */

#define OP_SH1ADD(i, a, b) VALUE(i, (a) * 2 + (b))
#define OP_SH2ADD(i, a, b) VALUE(i, (a) * 4 + (b))
#define OP_SH3ADD(i, a, b) VALUE(i, (a) * 8 + (b))
#define OP_ADD_UW(i, a, b) VALUE(i, (uint64_t)LOW(a) + (b))
#define OP_SH1ADD_UW(i, a, b) VALUE(i, (uint64_t)LOW(a) * 2 + (b))
#define OP_SH2ADD_UW(i, a, b) VALUE(i, (uint64_t)LOW(a) * 4 + (b))
#define OP_SH3ADD_UW(i, a, b) VALUE(i, (uint64_t)LOW(a) * 8 + (b))
#define OP_SLLI_UW(i, a, b) VALUE(i, (uint64_t)LOW(a) << (ip[i].op.imm & 63))
#define OP_ANDN(i, a, b) VALUE(i, (a) & ~(b))
#define OP_ORN(i, a, b) VALUE(i, (a) | ~(b))
#define OP_XNOR(i, a, b) VALUE(i, (a) ^ ~(b))
#define OP_MIN(i, a, b) VALUE(i, SIGNED(a) < SIGNED(b) ? (a) : (b))
#define OP_MAX(i, a, b) VALUE(i, SIGNED(a) > SIGNED(b) ? (a) : (b))
#define OP_MINU(i, a, b) VALUE(i, (a) < (b) ? (a) : (b))
#define OP_MAXU(i, a, b) VALUE(i, (a) > (b) ? (a) : (b))
#define OP_ROL(i, a, b) VALUE(i, (a) << ((b) & 63) | (a) >> (-(b) & 63))
#define OP_ROR(i, a, b) VALUE(i, (a) >> ((b) & 63) | (a) << (-(b) & 63))
#define OP_RORI(i, a, b) VALUE(i, (a) >> (IMM(i) & 63) | (a) << (-IMM(i) & 63))
#define OP_ROLW(i, a, b) VALUE(i, EXTEND(LOW(a) << ((b) & 31) | LOW(a) >> (-(b) & 31)))
#define OP_RORW(i, a, b) VALUE(i, EXTEND(LOW(a) >> ((b) & 31) | LOW(a) << (-(b) & 31)))
#define OP_RORIW(i, a, b) VALUE(i, EXTEND(LOW(a) >> (IMM(i) & 31) | LOW(a) << (-IMM(i) & 31)))
#define OP_CLZ(i, a, b) VALUE(i, (a) ? (uint64_t)__builtin_clzll(a) : 64)
#define OP_CTZ(i, a, b) VALUE(i, (a) ? (uint64_t)__builtin_ctzll(a) : 64)
#define OP_CPOP(i, a, b) VALUE(i, (uint64_t)__builtin_popcountll(a))
#define OP_CLZW(i, a, b) VALUE(i, LOW(a) ? (uint64_t)__builtin_clz(LOW(a)) : 32)
#define OP_CTZW(i, a, b) VALUE(i, LOW(a) ? (uint64_t)__builtin_ctz(LOW(a)) : 32)
#define OP_CPOPW(i, a, b) VALUE(i, (uint64_t)__builtin_popcount(LOW(a)))
#define OP_SEXT_B(i, a, b) VALUE(i, (uint64_t)(int64_t)(int8_t)(a))
#define OP_SEXT_H(i, a, b) VALUE(i, (uint64_t)(int64_t)(int16_t)(a))
#define OP_ZEXT_H(i, a, b) VALUE(i, (a) & 0xffff)
#define OP_ORC_B(i, a, b) VALUE(i, or_combine(a))
#define OP_REV8(i, a, b) VALUE(i, __builtin_bswap64(a))
#define OP_BCLR(i, a, b) VALUE(i, (a) & ~(UINT64_C(1) << ((b) & 63)))
#define OP_BSET(i, a, b) VALUE(i, (a) | UINT64_C(1) << ((b) & 63))
#define OP_BINV(i, a, b) VALUE(i, (a) ^ UINT64_C(1) << ((b) & 63))
#define OP_BEXT(i, a, b) VALUE(i, (a) >> ((b) & 63) & 1)
#define OP_BCLRI(i, a, b) VALUE(i, (a) & ~(UINT64_C(1) << (ip[i].op.imm & 63)))
#define OP_BSETI(i, a, b) VALUE(i, (a) | UINT64_C(1) << (ip[i].op.imm & 63))
#define OP_BINVI(i, a, b) VALUE(i, (a) ^ UINT64_C(1) << (ip[i].op.imm & 63))
#define OP_BEXTI(i, a, b) VALUE(i, (a) >> (ip[i].op.imm & 63) & 1)
#define OP_CZERO_EQZ(i, a, b) VALUE(i, (a) & -(uint64_t)((b) != 0))
#define OP_CZERO_NEZ(i, a, b) VALUE(i, (a) & -(uint64_t)((b) == 0))

/* Jumps and what ends a run */

#define OP_BEQ(i, a, b) BRANCH(i, (a) == (b))
#define OP_BNE(i, a, b) BRANCH(i, (a) != (b))
#define OP_BLT(i, a, b) BRANCH(i, SIGNED(a) < SIGNED(b))
#define OP_BGE(i, a, b) BRANCH(i, SIGNED(a) >= SIGNED(b))
#define OP_BLTU(i, a, b) BRANCH(i, (a) < (b))
#define OP_BGEU(i, a, b) BRANCH(i, (a) >= (b))
#define OP_J(i, a, b) ENTER(i, TARGET(i));
#define OP_NEXT(i, a, b) ENTER(i, BEHIND(i));
#define OP_FALLTHROUGH(i, a, b) ENTER(i, BEHIND(i));
#define OP_JAL(i, a, b)                                                                                      \
    do {                                                                                                     \
        x[ip[i].op.rd] = LINK(i);                                                                            \
        ENTER(i, TARGET(i));                                                                                 \
    } while (0);
#define OP_JALR(i, a, b)                                                                                     \
    do {                                                                                                     \
        uint32_t pc_ = ((LOW(a) + LOW(ip[i].op.imm)) & ~(uint32_t)1) - PX_CODE_BASE;                         \
        x[ip[i].op.rd] = LINK(i);                                                                            \
        ENTER(i, cells + (pc_ < code_size ? heads[pc_ / 2] : (uint32_t)FUSED_BAD));                          \
    } while (0);
#define OP_TRAP(i, a, b) EXIT(i, PX_EXIT_TRAP, 0)
#define OP_ILLEGAL(i, a, b) EXIT(i, PX_EXIT_PANIC, PX_PANIC_ILLEGAL)
#define OP_ECALL(i, a, b) EXIT(i, PX_EXIT_PANIC, PX_PANIC_ECALL)
#define OP_EBREAK(i, a, b) EXIT(i, PX_EXIT_PANIC, PX_PANIC_ECALL)
#define OP_ECALLI(i, a, b)                                                                                   \
    do {                                                                                                     \
        m->pc = PC(i);                                                                                       \
        m->gas = gas;                                                                                        \
        bool go_on_ = fused_hostcall(m, ip[i].op.imm);                                                       \
        gas = m->gas;                                                                                        \
        if (!go_on_)                                                                                         \
            goto done;                                                                                       \
        ENTER(i, BEHIND(i));                                                                                 \
    } while (0);
#define OP_ECALL_JAR(i, a, b)                                                                                \
    do {                                                                                                     \
        m->pc = PC(i);                                                                                       \
        m->gas = gas;                                                                                        \
        fused_manage(m);                                                                                     \
        gas = m->gas;                                                                                        \
        goto done;                                                                                           \
    } while (0);

#endif
