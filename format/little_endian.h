/* Integers of the framing: little-endian, at any address. */
#ifndef AGENTLOG_FORMAT_LITTLE_ENDIAN_H
#define AGENTLOG_FORMAT_LITTLE_ENDIAN_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the framing is stored as it lies in memory; a big-endian port has to swap here"
#endif

static inline uint16_t alog_le_load16(const uint8_t *at) {
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint32_t alog_le_load32(const uint8_t *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint64_t alog_le_load64(const uint8_t *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline void alog_le_store16(uint8_t *at, uint16_t v) {
    memcpy(at, &v, sizeof v);
}

static inline void alog_le_store32(uint8_t *at, uint32_t v) {
    memcpy(at, &v, sizeof v);
}

static inline void alog_le_store64(uint8_t *at, uint64_t v) {
    memcpy(at, &v, sizeof v);
}

#endif
