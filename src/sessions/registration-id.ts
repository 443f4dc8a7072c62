import { createHash } from 'node:crypto'
import type { Registration } from '../protocol/handshake.ts'

/** The relay's name of a drone: one for each (user, droneId), or else (user, name, hostname, workspaceId). */
export function registrationIdOf(userId: string, registration: Registration): string {
  const { droneId, name, hostname, workspaceId } = registration
  const identity = droneId === undefined ? [userId, name, hostname, workspaceId] : [userId, droneId]
  return createHash('sha256').update(JSON.stringify(identity)).digest('base64url').slice(0, 22)
}
