#include "stepper.h"
void stepper_write(const char *path, const struct failure *failure, const struct proof_request *request) { (void)path, (void)failure, (void)request; }
