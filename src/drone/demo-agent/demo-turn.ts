import { RequestError } from '@agentclientprotocol/sdk'
import type { PlanEntry } from '@agentclientprotocol/sdk'
import { demoAnswer, longAnswer } from './demo-answer.ts'
import { lookAtFiles, lookAtGit, lookForWords, lookInside } from './demo-look.ts'
import { proposeEdit } from './demo-proposal.ts'
import type { DemoTools } from './demo-tools.ts'
import type { DemoVoice } from './demo-voice.ts'
import type { DemoWishes } from './demo-wishes.ts'
import type { DemoWorkspace } from './demo-workspace.ts'

/** The exit code of a wished crash: one that nothing else uses. */
const CRASH_CODE = 7

export interface DemoTurnOptions {
  readonly prompt: string
  readonly nth: number
  readonly wishes: DemoWishes
  readonly voice: DemoVoice
  readonly tools: DemoTools
  readonly workspace: DemoWorkspace
  readonly signal: AbortSignal
}

const STEPS = ['Look at the files', 'Search for your words', 'Ask git', 'Answer', 'Suggest a change']

/** A whole turn, in the order of its plan. */
export async function demoTurn(turn: DemoTurnOptions): Promise<void> {
  const { prompt, nth, wishes, voice, signal } = turn
  await voice.think(
    `The user wrote: "${prompt.slice(0, 200)}". I look at the workspace before I answer. 🤔\n`,
  )
  await tellPlan(voice, 0)
  const files = await lookAtFiles(turn)
  await tellPlan(voice, 1)
  const matches = await lookForWords(turn, files)
  await voice.think(
    matches.length > 0 ? 'There are some lines with these words.\n' : 'No line has these words.\n',
  )
  await tellPlan(voice, 2)
  const gitStatus = await lookAtGit(turn, signal)
  const shown = await lookInside(turn, files, matches)
  await tellPlan(voice, 3)
  if (wishes.fail) throw RequestError.internalError({ details: 'the prompt asked the demo agent to fail' })
  const text = demoAnswer({ prompt, nth, files, matches, gitStatus, shown })
  if (wishes.crash) await crash(voice, text)
  await voice.answer(text)
  for (const piece of longAnswer(wishes.longKb)) await voice.answer(piece)
  await tellPlan(voice, 4)
  await proposeEdit(turn)
  await tellPlan(voice, 5)
}

async function tellPlan(voice: DemoVoice, step: number): Promise<void> {
  const entries = STEPS.map((content, index): PlanEntry => ({
    content,
    priority: 'medium',
    status: index < step ? 'completed' : index === step ? 'in_progress' : 'pending',
  }))
  await voice.say({ sessionUpdate: 'plan', entries })
}

async function crash(voice: DemoVoice, text: string): Promise<never> {
  await voice.answer(text.slice(0, text.length / 2))
  process.stderr.write('The prompt asked the demo agent to crash.\n')
  process.exit(CRASH_CODE)
}
