/* What DPDK keeps as inline functions in its headers, as functions: one call a burst. */
#ifndef NOFX_DPDK_SHIM_H
#define NOFX_DPDK_SHIM_H

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_version.h>

/* A frame and the buffer that holds it. */
struct nofx_frame {
    struct rte_mbuf *mbuf;
    const uint8_t *data;
    uint32_t len;
};

/* Takes up to max frames. Frames in several pieces are given back and counted. */
uint16_t nofx_receive(uint16_t port, struct nofx_frame *frames, uint16_t max, uint64_t *in_pieces);

/* Gives up to 64 frames back. */
void nofx_give_back(struct nofx_frame *frames, uint16_t count);

/* A buffer with room for len bytes at *data, or NULL. */
struct rte_mbuf *nofx_take(struct rte_mempool *pool, uint16_t len, uint8_t **data);

/* Hands frames to the card: how many it took. They are the card's then. */
uint16_t nofx_transmit(uint16_t port, struct rte_mbuf **frames, uint16_t count);

/* Gives frames back that were never handed over. */
void nofx_forget(struct rte_mbuf **frames, uint16_t count);

/* Why the last call of this thread failed: an errno. */
int nofx_errno(void);

#endif
