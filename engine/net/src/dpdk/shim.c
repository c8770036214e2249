#include "shim.h"

uint16_t nofx_receive(uint16_t port, struct nofx_frame *frames, uint16_t max, uint64_t *in_pieces) {
    struct rte_mbuf *burst[64];
    uint16_t kept = 0;
    uint16_t came = rte_eth_rx_burst(port, 0, burst, max < 64 ? max : 64);
    for (uint16_t i = 0; i < came; i++) {
        if (burst[i]->nb_segs != 1) {
            rte_pktmbuf_free(burst[i]);
            ++*in_pieces;
            continue;
        }
        frames[kept].mbuf = burst[i];
        frames[kept].data = rte_pktmbuf_mtod(burst[i], const uint8_t *);
        frames[kept].len = rte_pktmbuf_data_len(burst[i]);
        kept++;
    }
    return kept;
}

void nofx_give_back(struct nofx_frame *frames, uint16_t count) {
    struct rte_mbuf *burst[64];
    uint16_t many = count < 64 ? count : 64;
    for (uint16_t i = 0; i < many; i++)
        burst[i] = frames[i].mbuf;
    rte_pktmbuf_free_bulk(burst, many);
}

struct rte_mbuf *nofx_take(struct rte_mempool *pool, uint16_t len, uint8_t **data) {
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == NULL)
        return NULL;
    *data = (uint8_t *)rte_pktmbuf_append(mbuf, len);
    if (*data == NULL) {
        rte_pktmbuf_free(mbuf);
        return NULL;
    }
    return mbuf;
}

uint16_t nofx_transmit(uint16_t port, struct rte_mbuf **frames, uint16_t count) {
    return rte_eth_tx_burst(port, 0, frames, count);
}

void nofx_forget(struct rte_mbuf **frames, uint16_t count) {
    rte_pktmbuf_free_bulk(frames, count);
}

int nofx_errno(void) {
    return rte_errno;
}
