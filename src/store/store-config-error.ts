/** The store cannot be used as it is configured: somebody has to change something, trying again does not help. */
export class StoreConfigError extends Error {
  readonly code = 'store_config'

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'StoreConfigError'
  }
}
