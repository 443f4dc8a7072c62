/** What a store says to its operator. A winston logger fits. */
export interface StoreLogger {
  info(message: string, fields?: Record<string, unknown>): unknown
  warn(message: string, fields?: Record<string, unknown>): unknown
  error(message: string, fields?: Record<string, unknown>): unknown
}

export const SILENT: StoreLogger = { info: () => {}, warn: () => {}, error: () => {} }
