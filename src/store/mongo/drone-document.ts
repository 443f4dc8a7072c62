import type { DroneRegistrationDocument } from '../../../models/drone-registration.ts'
import type { Registration } from '../../protocol/handshake.ts'
import type { DroneRecord } from '../../turns/turn-store.ts'

/** What a drone made up itself (arguments of commands, labels) becomes text: its keys are not to be field names. */
export function droneDocument({ registrationId, ...drone }: DroneRecord): DroneRegistrationDocument {
  const { commands, labels, ...plain } = drone.registration
  return {
    _id: registrationId,
    ...drone,
    registration: {
      ...plain,
      ...(commands === undefined ? {} : { commands: JSON.stringify(commands) }),
      ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
    },
    replacedInstances: [...drone.replacedInstances],
  } as DroneRegistrationDocument
}

export function droneFrom({ _id, ...document }: DroneRegistrationDocument): DroneRecord {
  const { commands, labels, ...plain } = document.registration
  const made = {
    ...(commands === undefined ? {} : { commands: JSON.parse(commands) as unknown }),
    ...(labels === undefined ? {} : { labels: JSON.parse(labels) as unknown }),
  }
  return { ...document, registrationId: _id, registration: { ...plain, ...made } as Registration }
}
