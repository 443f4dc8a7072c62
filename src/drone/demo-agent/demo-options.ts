import type { AvailableCommand, SessionConfigOption, SessionModeState } from '@agentclientprotocol/sdk'

/** What may be chosen: the demo agent's "models" differ only in how fast they speak. */
const MODELS = [
  { value: 'demo', name: 'Demo' },
  { value: 'demo-fast', name: 'Demo, ten times as fast' },
]
const FAST = 10

export const DEMO_COMMANDS: AvailableCommand[] = [
  { name: 'search', description: 'Search the files of the workspace', input: { hint: 'words' } },
  { name: 'status', description: 'Say what git says of the workspace' },
]

export function configOptions(model: string): SessionConfigOption[] {
  return [
    { id: 'model', name: 'Model', category: 'model', type: 'select', currentValue: model, options: MODELS },
  ]
}

export function sessionModes(currentModeId: string): SessionModeState {
  const availableModes = [
    { id: 'look', name: 'Look' },
    { id: 'suggest', name: 'Suggest' },
  ]
  return { currentModeId, availableModes }
}

export function rateOf(model: string, tokensPerSecond: number): number {
  return model === 'demo-fast' ? tokensPerSecond * FAST : tokensPerSecond
}
