// The interface between the page and what paints.
//
// The page imports `open` from this file and nothing else of an engine. There are two:
//
// - engine-wasm.js  the library as WebAssembly, on this browser's WebGPU. What is published as a web site uses it.
// - engine-http.js  the program on this machine, behind a server on 127.0.0.1. `impasto studio` and `--view` serve the same
//                   page, with a file of one line in place of this one: export { open } from "./engine-http.js";
//
// All addresses are relative to the page, which may lie in a folder of any name. No script or style is inline.
//
// open(status) -> Promise<Engine>
//   Makes the engine ready. `status(text, fraction)` is called meanwhile with a line for the user, and with the share that is
//   done where that is known. Rejects with a Refusal where this browser or machine cannot paint.
//
// Engine
//   info              Info, fixed once the engine is open
//   look(file)        -> Promise<Look>     decodes an image as the program does: orientation, colour profile, transparency
//   add(job)          -> Promise<string>   puts a painting at the end of the queue and gives its id
//   answer(id, size)  -> Promise<void>     paints what asks: at a size that fits, or as it is if `size` is null
//   remove(id)        -> Promise<void>     takes a waiting painting out of the queue, or a finished one out of the gallery
//   picture(id)       -> Promise<Blob>     the PNG of a finished painting, with its settings inside, as the program writes it
//   pause(), resume() -> Promise<void>     the painting in progress
//   stop()            -> Promise<void>     ends the painting in progress; its picture so far goes to the gallery
//   save()            -> Promise<Blob>     the PNG of the painting in progress as it is now, with its settings inside
//   selftest(report)  -> Promise<boolean>  only with can.selftest: `report(line)` for each part, true if all passed
//   listen(listener)  calls `listener(event)` from now on, first with the present state
//
// Errors of all of these are of class Error, with a message for the user: one sentence that names the thing and the remedy.
//
// Info
//   version   of the program, as in "0.1.0"
//   device    a name for people, as in "NVIDIA H200"
//   where     where pictures and paintings are, in a sentence for people
//   notes     sentences to show once, such as that this device is slow
//   presets   [{ name, source, settings }], those of `impasto presets`
//   defaults  Settings of a painting of which nothing is set
//   can       Capabilities
//
// Capabilities: what an engine may lack. The page leaves out the controls of those that are false.
//   add       paintings can be added. Without it the page only watches one that was started elsewhere
//   keep      queue and gallery outlast the page, as in a folder of the studio. Without it closing the page loses them
//   pause     a painting can be paused
//   selftest  the device can be tested from the page
//
// Settings: { name: text }, named as the program's options without the dashes, and written as a command line takes them:
//   size, keep-colors, seed, iterations, style-scale and so on. Two more stand for several of them: `preset` (a name)
//   and `balance` ("0" to "10"). Not all need be there: the others have the values of Info.defaults.
//
// Look
//   width, height  of the picture once its orientation is applied
//   preview        Blob of a PNG of at most 512 pixels
//   warnings       sentences, such as that a checksum is wrong
//   made           for a PNG that Impasto painted { settings, images: [names] }, else null
//
// Job
//   content   a File, or a Blob with a `name`
//   styles    a list of such
//   settings  Settings
//   like      Settings of an earlier picture (Look.made.settings) that lie below `settings`, or null
//
// Plan, of a painting that asks because it takes more than this device allows. An engine may never ask: the program paints
// in tiles what does not fit.
//   problem        why: a sentence
//   largest        the largest `size` that fits; 0 if none does
//   possible       whether it can be painted as it is all the same
//   width, height  of the picture
//
// Events
//   { type: "jobs", jobs: [Entry] }     the queue and the gallery, oldest first, whenever they change
//   { type: "progress", ...Progress }   after each evaluation, or some times a second
//   { type: "picture", picture }        the painting in progress: an ImageBitmap or a Blob, some times a second
//   { type: "note", text }              a sentence about the painting in progress
//   { type: "lost", text }              the engine cannot go on; what to do, in plain words
//
// Entry
//   id, name, added                     `name` is a file name without its ending, `added` milliseconds since 1970
//   state                               "waiting", "preparing", "asks", "painting", "paused", "done", "stopped", "failed"
//   plan                                Plan of one that asks
//   settings, images                    as in Look.made
//   width, height, evaluations, seconds of a finished one
//   preview                             Blob or address of a small picture of a finished one
//   error                               of a failed one, a sentence
//
// Progress
//   id                            of the painting
//   done, total                   evaluations
//   scale, scales, width, height  the scale in progress, from 1, and its size
//   seconds, left                 since the beginning, and about how many more; null while unknown
//   points                        [[evaluation, total, content, style], ...] the losses so far, at most some 600 points

export { open } from "./engine-wasm.js";
