import { RelayError } from '../../src/protocol/errors.ts'

/** What a store answers a call that it could not make. */
export function away(): RelayError {
  return new RelayError('store_unavailable', 'The store is away, says the test.')
}
