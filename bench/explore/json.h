/*
 * json.h -- a proof as one line of JSON, for programs.
 */
#ifndef EXPLORE_JSON_H
#define EXPLORE_JSON_H

#include "proof.h"

/* On standard output. wrong: what contradicts the scenario's statement, or NULL. */
void json_print_proof(const struct proof_request *request, const struct proof *proof, const char *wrong);

#endif
