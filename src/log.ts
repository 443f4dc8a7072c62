import winston from 'winston'
import type { Logger } from './sessions/socket-session.ts'

/** Fields that may hold a secret; whoever logs them by mistake logs this instead. */
const SECRET_FIELDS = new Set(['token', 'key', 'authorization', 'password', 'secret', 'mongodbUri'])

const redact = winston.format((line) => {
  for (const field of Object.keys(line)) if (SECRET_FIELDS.has(field)) line[field] = '[redacted]'
  const error: unknown = line['error']
  if (error instanceof Error)
    line['error'] = { message: error.message, stack: error.stack, cause: String(error.cause) }
  return line
})

const forPeople = winston.format.printf(({ timestamp, level, message, ...meta }) => {
  const rest = Object.keys(meta).length > 0 ? ` ${JSON.stringify(meta)}` : ''
  return `${String(timestamp)} ${level} ${String(message)}${rest}`
})

interface LogOptions {
  readonly level: string
  /** JSON lines, for machines; else lines for people. */
  readonly json: boolean
}

/** Writes to standard error, so that standard output stays what a command was asked for. */
export function createLogger({ level, json }: LogOptions): Logger {
  const { combine, timestamp, json: asJson } = winston.format
  const logger = winston.createLogger({
    level,
    format: combine(redact(), timestamp(), json ? asJson() : forPeople),
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  })
  return logger
}
