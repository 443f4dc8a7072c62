/** The part of a logger that the drone needs; winston's and the console's fit. */
export interface Logger {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}
