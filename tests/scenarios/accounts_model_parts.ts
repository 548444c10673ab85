/** Accounts, devices, and what was said, as the model of accounts remembers them. @module */
import type { Machine } from "./machine.ts";

/** A device of an account. */
export class DeviceInModel {
  /** Off the list: it hears nothing more. */
  isGone = false;
  /** Everybody has read since it came. */
  settled = false;

  /** `heard`: texts that its machine has printed, in an earlier life of it too. */
  constructor(readonly machine: Machine, readonly heard: string[] = []) {}
}

/** An account with its devices. */
export class AccountInModel {
  readonly devices: DeviceInModel[];
  readonly gone: DeviceInModel[] = [];
  codes: string[] | null = null;
  codesOf: DeviceInModel | null = null;
  ended = false;
  version = 0;
  /** Machines after the first. */
  made = 0;

  constructor(readonly name: string, readonly id: string, first: DeviceInModel) {
    this.devices = [first];
  }

  /** A device came; `back`: one that was off the list before. */
  add(device: DeviceInModel, back?: DeviceInModel): void {
    this.devices.push(device);
    if (back) this.gone.splice(this.gone.indexOf(back), 1);
  }

  /** A device is off the list; codes that it made are worth nothing. */
  drop(lost: DeviceInModel): void {
    lost.isGone = true;
    this.devices.splice(this.devices.indexOf(lost), 1);
    this.gone.push(lost);
    if (this.codesOf !== lost) return;
    this.codes = null;
    this.codesOf = null;
  }
}

/** A message that the relay took. */
export class Said {
  /** Who hears it for certain, and who perhaps. */
  readonly must = new Set<DeviceInModel>();
  readonly may = new Set<DeviceInModel>();

  constructor(readonly text: string) {}

  /** A device that hears nothing more. */
  forget(device: DeviceInModel): void {
    this.must.delete(device);
    this.may.delete(device);
  }

  /** Whether a device hears it is not certain any more. */
  doubt(device: DeviceInModel): void {
    if (this.must.delete(device)) this.may.add(device);
  }
}

/** Whether an account blocks another one, and whether all its devices know. */
export class Block {
  settled = false;

  constructor(readonly blocked: boolean) {}
}
