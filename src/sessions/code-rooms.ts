import type { Namespace } from 'socket.io'
import { isEnd } from '../protocol/turn-view.ts'
import type { Placed } from '../turns/entry.ts'
import type { News } from '../turns/feed.ts'
import { eventFrame, writeFrame } from './event-frame.ts'
import type { Rooms } from './follower.ts'
import { originalEntry, wireEntry } from '../turns/wire-entry.ts'

export function chatRoom(chatSessionId: string): string {
  return `chat:${chatSessionId}`
}

/** Viewers that are clients of the original hear some things otherwise. */
export function originalRoom(chatSessionId: string): string {
  return `original:${chatSessionId}`
}

export function userRoom(userId: string): string {
  return `user:${userId}`
}

/** What follows the end of a turn for a client of the original. */
export function originalEnd(news: News): [turnId: string, success: boolean, message?: string] | undefined {
  if (news.name !== 'turn:status' || !isEnd(news.payload.status)) return undefined
  const { turnId, status, reason } = news.payload
  return [turnId, status === 'finished', ...(reason === undefined ? ([] as const) : ([reason] as const))]
}

/** Writes what all level viewers of a session get: encoded once a room, whatever their number. */
export class CodeRooms implements Rooms {
  readonly #namespace: Namespace

  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  entry(
    chatSessionId: string,
    turn: { turnId: string; attempt: number },
    lane: string,
    placed: Placed,
  ): void {
    const place = { chatSessionId, ...turn, lane }
    const room = chatRoom(chatSessionId)
    if (this.#isTaken(room)) {
      const { name, args } = wireEntry(place, placed)
      this.#send(room, name, args)
    }
    const original = originalRoom(chatSessionId)
    if (this.#isTaken(original)) {
      const { name, args } = originalEntry(place, placed)
      this.#send(original, name, args)
    }
  }

  news(news: News, chatSessionId: string): void {
    this.#both(chatSessionId, news.name, news.payload)
    const end = originalEnd(news)
    const original = originalRoom(chatSessionId)
    if (end && this.#isTaken(original)) this.#send(original, 'workOrderComplete', end)
  }

  live(chatSessionId: string, name: string, args: readonly unknown[]): void {
    this.#both(chatSessionId, name, ...args)
  }

  head(chatSessionId: string, head: object): void {
    this.#both(chatSessionId, 'head', head)
  }

  /** To those who have subscribed. */
  toRoom(room: string, name: string, payload: object): void {
    if (this.#isTaken(room)) this.#send(room, name, [payload])
  }

  /** To every connection of this node. */
  toAll(name: string, payload: object): void {
    const frame = eventFrame(this.#namespace.name, name, [payload])
    for (const socket of this.#namespace.sockets.values()) writeFrame(socket, frame)
  }

  /** To every connection of a user, but for those of some ids. */
  toUser(userId: string, name: string, payload: object, isLeftOut?: (id: string) => boolean): void {
    const room = userRoom(userId)
    if (this.#isTaken(room)) this.#send(room, name, [payload], isLeftOut)
  }

  #both(chatSessionId: string, name: string, ...args: unknown[]): void {
    for (const room of [chatRoom(chatSessionId), originalRoom(chatSessionId)])
      if (this.#isTaken(room)) this.#send(room, name, args)
  }

  /** To all of this node. */
  #send(room: string, name: string, args: readonly unknown[], isLeftOut?: (id: string) => boolean): void {
    const frame = eventFrame(this.#namespace.name, name, args)
    for (const id of this.#namespace.adapter.rooms.get(room) ?? []) {
      const socket = this.#namespace.sockets.get(id)
      if (socket && isLeftOut?.(id) !== true) writeFrame(socket, frame)
    }
  }

  #isTaken(room: string): boolean {
    return this.#namespace.adapter.rooms.has(room)
  }
}
