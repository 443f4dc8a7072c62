import { derivedId } from '../turns/derived-id.ts'
import type { Registration } from '../protocol/handshake.ts'

/** The relay's name of a drone: one for each (user, droneId), or else (user, name, hostname, workspaceId). */
export function registrationIdOf(userId: string, registration: Registration): string {
  const { droneId, name, hostname, workspaceId } = registration
  return droneId === undefined ? derivedId(userId, name, hostname, workspaceId) : derivedId(userId, droneId)
}
