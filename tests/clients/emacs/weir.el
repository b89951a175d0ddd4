;;; weir.el --- Run commands through Weir  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Package-Requires: ((emacs "28.1") (jsonrpc "1.0.14"))

;;; Commentary:

;; A client of Weir over jsonrpc.el, which comes with Emacs.
;;
;;   (let ((weir (weir-connect)))
;;     (weir-start weir ["make" "-k"]
;;                 :output (lambda (event) (insert (plist-get event :text)))
;;                 :closed (lambda (_event) (message "done"))))

;;; Code:

(require 'cl-lib)
(require 'eieio)
(require 'jsonrpc)
(require 'subr-x)

(defgroup weir nil "Run commands through Weir." :group 'processes)

(defcustom weir-command '("weir")
  "The program that serves Weir, and its arguments; (\"ssh\" HOST \"weir\") is one too."
  :type '(repeat string))

(defcustom weir-ask-function #'weir-ask
  "Called with a question of a policy as a plist; non-nil lets the command run."
  :type 'function)

(defclass weir-connection (jsonrpc-process-connection)
  ((watchers :initform (make-hash-table :test #'equal) :reader weir--watchers
             :documentation "From a process's id to a plist of functions.")
   (started :initform 0 :accessor weir--started))
  :documentation "A host that serves Weir.")

(defun weir-ask (question)
  "Put QUESTION to the user."
  (y-or-n-p (format "%s  Run `%s' in %s? " (plist-get question :question)
                    (string-join (plist-get question :argv) " ") (plist-get question :cwd))))

(defun weir-connect (&optional command)
  "Run COMMAND, by default `weir-command', and shake hands."
  (let ((weir (weir-connection
               :name "weir"
               :process (lambda ()
                          (make-process :name "weir" :command (or command weir-command)
                                        :connection-type 'pipe :coding 'utf-8-emacs-unix
                                        :noquery t :stderr (get-buffer-create "*weir stderr*")))
               ;; Pretty-printing every chunk of output takes far longer than the output itself.
               :events-buffer-scrollback-size 0
               :request-dispatcher #'weir--asked
               :notification-dispatcher #'weir--told)))
    (weir-request weir :initialize '(:clientName "emacs" :capabilities (:ask t)))
    (jsonrpc-notify weir :initialized nil)
    weir))

(defun weir-request (weir method params)
  "Send WEIR a request of METHOD with PARAMS and wait for its result.
Signal `jsonrpc-error' as `jsonrpc-request' does; the kind of a failure
is in its data.  Unlike there, what comes right behind the response is
not left lying until more comes: the filter is not left by a throw."
  (let (done result failure)
    (jsonrpc-async-request weir method params :timeout nil
                           :success-fn (lambda (value) (setq done t result value))
                           :error-fn (lambda (value) (setq done t failure value)))
    (weir-wait weir (lambda () done))
    (when failure
      (apply #'jsonrpc-error failure))
    result))

(defun weir-wait (weir predicate)
  "Let messages of WEIR come in until PREDICATE returns non-nil."
  (while (not (funcall predicate))
    (accept-process-output (jsonrpc--process weir) 30)))

(cl-defun weir-start (weir argv &rest params &key output exited closed &allow-other-keys)
  "Have WEIR start ARGV, a vector of strings; return the process's id.
OUTPUT, EXITED and CLOSED are called with each such event.  Output can
come after the exit, and never after the close.  All other PARAMS are
those of `process/start', as in :cwd \"/tmp\" :pipeStdin t."
  (let ((id (format "emacs-%d" (cl-incf (weir--started weir))))
        (watcher (list :output output :exited exited :closed closed)))
    (cl-loop for (name) on watcher by #'cddr do (cl-remf params name))
    ;; Known before the request is sent, so nothing is missed.
    (puthash id watcher (weir--watchers weir))
    (condition-case failure
        (weir-request weir :process/start
                      `(:processId ,id :argv ,argv :outputEncoding "utf8" ,@params))
      (error (remhash id (weir--watchers weir))
             (signal (car failure) (cdr failure))))
    id))

(defun weir-write (weir id text &optional close)
  "Have WEIR write TEXT to the process ID; with CLOSE that is all of its input."
  (weir-request weir :process/write
                `(:processId ,id :text ,text :close ,(if close t :json-false))))

(defun weir-terminate (weir id)
  "Have WEIR end the process ID and all that it has started."
  (weir-request weir :process/terminate `(:processId ,id)))

(defun weir-stop (weir)
  "Stop every process of WEIR and WEIR itself; return its exit status."
  (let ((process (jsonrpc--process weir)))
    (weir-request weir :shutdown nil)
    (jsonrpc-notify weir :exit nil)
    (weir-wait weir (lambda () (not (process-live-p process))))
    (process-exit-status process)))

(defun weir--told (weir method event)
  "WEIR has sent a notification of METHOD, EVENT."
  (let* ((id (plist-get event :processId))
         (watcher (gethash id (weir--watchers weir)))
         (function (pcase method
                     ('process/output (plist-get watcher :output))
                     ('process/exited (plist-get watcher :exited))
                     ('process/closed (remhash id (weir--watchers weir))
                                      (plist-get watcher :closed)))))
    (when function
      (funcall function event))))

(defun weir--asked (_weir method question)
  "The host wants an answer to QUESTION, a request of METHOD."
  (pcase method
    ('policy/ask
     (list :decision (if (funcall weir-ask-function question) "allow" "deny")))
    (_ (jsonrpc-error :code -32601 :message (format "no method `%s'" method)))))

(provide 'weir)
;;; weir.el ends here
